"""The proof that an export answers as its original: rows where it would show, bounds, and the gate that compares."""

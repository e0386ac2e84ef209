"""Estimators by name or of one's own: made, prepared, fitted somewhere, searched for, or loaded."""

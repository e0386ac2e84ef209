"""Programs that prove reliability on a real server: `make torture` and `make soak` (docs/reliability.md)."""

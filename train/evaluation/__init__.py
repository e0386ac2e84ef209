"""How good a model's answers are, what they rest on, and rows to try: measured on held-out rows for the manifest."""

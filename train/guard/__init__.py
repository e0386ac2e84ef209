"""The guard over a graph: what is not vouched for here is never published."""

from train.guard.graph import check_graph

__all__ = ["check_graph"]

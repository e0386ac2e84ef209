"""What the dashboard asks Prometheus: its queries, over the namespaces, pods and models that people choose."""

WHERE = 'namespace=~"$namespace",pod=~"$pod"'
MODELS = f'{WHERE},model=~"$model"'
PREDICTIONS = f'{WHERE},route=~".*(predict|infer|Infer)"'
OVERLOAD = f'{WHERE},reason=~"full|late|memory|connections"'
VERSION = "model, version"
LEGEND = "{{model}} {{version}}"


def rate(series: str, where: str = WHERE, *, by: str = "") -> str:
    """Return how fast a counter grows a second, summed over all pods."""
    added = f"sum by ({by}) " if by else "sum"
    return f"{added}(rate({series}{{{where}}}[$__rate_interval]))"


def increase(series: str, *, by: str) -> str:
    """Return by how much a counter of models has grown since the point before, summed over all pods."""
    return f"sum by ({by}) (increase({series}{{{MODELS}}}[$__rate_interval]))"


def most(series: str, *, by: str) -> str:
    """Return the highest value of a series of models in any pod."""
    return f"max by ({by}) ({series}{{{MODELS}}})"


def quantile(share: float, series: str, where: str, *, by: str = "") -> str:
    """Return a quantile of a histogram over all pods."""
    return f"histogram_quantile({share}, {rate(f'{series}_bucket', where, by=f'{by}, le' if by else 'le')})"


def quantiles(series: str, where: str, *, by: str = "") -> dict[str, str]:
    """Return the median, and what 95 and 99 of 100 stay below, each with its legend."""
    legend = f"{{{{{by}}}}} " if by else ""
    return {f"{legend}p{share * 100:.0f}": quantile(share, series, where, by=by) for share in (0.5, 0.95, 0.99)}


def own(query: str) -> str:
    """Return a query for what every process has, of Copse's alone."""
    return f"{query} and on (job, instance) copse_ready{{{WHERE}}}"


REQUESTS = rate("copse_requests_total")
FAILED = rate("copse_requests_total", f'{WHERE},status=~"5..",status!="503"')
TURNED_AWAY = rate("copse_refused_requests_total", OVERLOAD)
SLOWEST = quantile(0.99, "copse_request_duration_seconds", PREDICTIONS)
SERVES_SINCE = (
    f"copse_model_loaded_timestamp_seconds{{{MODELS}}} * 1000 "
    f"* on (instance, model, version) group_left (sha256) copse_model_info{{{MODELS}}}"
)
COMPARED = rate("copse_candidate_rows_total", MODELS, by=VERSION)
DISAGREED = rate("copse_candidate_disagreements_total", MODELS, by=VERSION)
DIFFERENCE = quantile(0.99, "copse_candidate_difference", MODELS, by=VERSION)

"""Pure Altair builders shared by the app and the report; each answers the question that is its title."""

from advisor.charts.classes import class_balance, class_heatmap, confusion_matrix
from advisor.charts.evidence import latency_check, learning_curves, p_best, prior_measured
from advisor.charts.metric import measured_metric, metric_name
from advisor.charts.scores import score_parts, score_stack
from advisor.charts.spoken import in_language
from advisor.charts.style import Figure, note, to_svg
from advisor.charts.tradeoff import accuracy_latency, pareto, quality_latency
from advisor.charts.trust import precision_recall, reliability_diagram, roc

__all__ = [
    "Figure",
    "accuracy_latency",
    "class_balance",
    "class_heatmap",
    "confusion_matrix",
    "in_language",
    "latency_check",
    "learning_curves",
    "measured_metric",
    "metric_name",
    "note",
    "p_best",
    "pareto",
    "precision_recall",
    "prior_measured",
    "quality_latency",
    "reliability_diagram",
    "roc",
    "score_parts",
    "score_stack",
    "to_svg",
]

"""The dashboards as Grafana reads them."""

import json

from grafana_foundation_sdk.builders import common, dashboard, prometheus, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DataSourceRef

from deploy.observability import boards_overview, boards_records, boards_tokens
from deploy.observability.panels import Board, Panel

BOARDS = (
    boards_overview.OVERVIEW,
    boards_tokens.TOKENS,
    boards_records.DECISIONS,
    boards_records.AUDIT,
    boards_overview.OUTBOX,
    boards_overview.SCHEDULER,
    boards_tokens.GATEKEEPER,
)
_SOURCE = DataSourceRef(type_val="prometheus", uid="${source}")  # chosen at the top


def json_of(board: Board) -> str:
    """A dashboard, as a file for Grafana's provisioning or its import."""
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.description)
        .tags(["mithril"])
        .readonly()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .time("now-1h", "now")
        .refresh("30s")
        .timezone("browser")
        .with_variable(
            dashboard.DatasourceVariable("source").label("Prometheus").type("prometheus")
        )
    )
    for number, panel in enumerate(board.panels, start=1):
        made = made.with_panel(_graph(panel).id(number))
    text = json.dumps(made.build(), cls=JSONEncoder, indent=2, sort_keys=True)
    return text + "\n"


def _graph(panel: Panel) -> timeseries.Panel:
    said = panel.description
    if panel.empty:
        said = f"{said} Empty: {panel.empty[0].lower()}{panel.empty[1:]}"
    query = prometheus.Dataquery().expr(panel.query).legend_format(panel.legend)
    legend = (
        common.VizLegendOptions()
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(True)
    )
    return (
        timeseries.Panel()
        .title(panel.title)
        .description(said)
        .datasource(_SOURCE)
        .unit(panel.unit)
        .axis_soft_min(0)
        .height(8)
        .span(12)
        .legend(legend)
        .with_target(query.range().ref_id("A"))
    )

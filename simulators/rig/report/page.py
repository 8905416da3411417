"""The report of a run: one HTML file that needs nothing else and no script."""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from simulators.rig.report.money_flow import plot_money
from simulators.rig.report.outcome import STAGES, Kpi, ReportData
from simulators.rig.report.plots import plot_event, plot_forecasts, plot_frequency, plot_market
from simulators.rig.report.scorecard import write_whole
from simulators.rig.report.wording import say, say_cents

_TEMPLATE = "report.html.j2"
_HEADLINES_MAX = 4
_EVENT_CAPTION = (
    "What the utility asked for, and what the meters of the sites show above their baselines, stacked."
)
_LOSS_CAPTION = (
    " The gateway of {site} was killed during the event: its share disappears and the other sites take it "
    "over; a failed device is not a delivered one."
)
_MARKET_CAPTION = (
    "Real day-ahead prices, what the market awarded, and how the batteries were charged and discharged. "
    "The owners' reserve is never sold."
)
_FREQUENCY_CAPTION = (
    "The gateways answer the frequency by themselves, without the cloud; recorded on site while the clock "
    "ran in real time."
)
_FORECAST_CAPTION = (
    "The forecast of record at gate closure, a day ahead, beside what the meters showed; consumption is "
    "negative."
)
_MONEY_CAPTION = "From products through the books to owners and operator. Widths are cents."


@dataclass(frozen=True, slots=True)
class Plot:
    """One drawing with the words around it."""

    title: str
    caption: str
    svg: Markup


def render_report(data: ReportData) -> str:
    """The report as HTML; a part of the data that is missing leaves its section out."""
    card = data.scorecard
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["say"] = lambda kpi: say(kpi.value, kpi.unit)
    environment.filters["money"] = lambda cents: say_cents(cents, card.currency)
    environment.filters["watts"] = lambda power_w: say(power_w, "W")
    environment.filters["seconds"] = lambda duration_s: say(duration_s, "s")
    return environment.get_template(_TEMPLATE).render(
        run=card.run,
        card=card,
        headlines=_headlines(data),
        stages=[
            (number, title, [kpi for kpi in card.kpis if kpi.stage == number])
            for number, title in STAGES.items()
        ],
        plots=_plots(data),
        statements=data.statements,
        invoice_cents=sum(book.invoice_cents for book in card.books),
        owners_cents=sum(book.owners_cents for book in card.books),
        operator_cents=sum(book.operator_cents for book in card.books),
    )


def write_report(path: Path, data: ReportData) -> None:
    """Write ``report.html``, whole or not at all.

    Raises:
        LocalFault: the file cannot be written.
    """
    write_whole(path, render_report(data))


def _headlines(data: ReportData) -> list[Kpi]:
    by_id = {kpi.id: kpi for kpi in data.scorecard.kpis}
    return [by_id[name] for name in data.headline if name in by_id][:_HEADLINES_MAX]


def _plots(data: ReportData) -> list[Plot]:
    zone, books = data.scorecard.run.zone, data.scorecard.books
    plots = []
    if data.event is not None:
        loss = _LOSS_CAPTION.format(site=data.event.lost_site) if data.event.lost_site else ""
        plots.append(_plot("The utility event", _EVENT_CAPTION + loss, plot_event(data.event, zone)))
    if data.market is not None:
        plots.append(_plot("Prices and batteries", _MARKET_CAPTION, plot_market(data.market, zone)))
    if data.frequency is not None:
        plots.append(_plot("The frequency dip", _FREQUENCY_CAPTION, plot_frequency(data.frequency, zone)))
    if data.forecasts:
        plots.append(_plot("Forecasts", _FORECAST_CAPTION, plot_forecasts(data.forecasts, zone)))
    if books:
        svg = plot_money(books, data.scorecard.currency)
        plots.append(_plot("Where the money went", _MONEY_CAPTION, svg))
    return plots


def _plot(title: str, caption: str, svg: str) -> Plot:
    return Plot(title, caption, Markup(svg))  # noqa: S704  (matplotlib escapes the text it draws)

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from simulators.rig.report.money_flow import plot_money
from simulators.rig.report.outcome import BookMoney, MoneyLine, ReportData, Scorecard
from simulators.rig.report.page import render_report, write_report
from simulators.rig.report.plot_style import canvas, to_svg

VOID = {"meta", "br"}


class Page(HTMLParser):
    """Checks that tags are balanced and collects ids, references and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.sources: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            if name in {"src", "href", "xlink:href"} and value:
                self.sources.append(value)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def html(report_data: ReportData) -> str:
    return render_report(report_data)


def test_the_page_is_well_formed_and_needs_nothing_else(html: str) -> None:
    page = Page(html)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids)), "ids of several plots do not collide"
    assert [source for source in page.sources if not source.startswith("#")] == ["statement-03.html"]
    assert set(re.findall(r"url\(([^)]*)\)", html)) <= {f"#{name}" for name in page.ids}
    assert "<script" not in html
    assert "@import" not in html


def test_every_part_is_there(html: str) -> None:
    assert html.count("<svg") == 5
    text = Page(html).text
    for part in (
        "One market day, Thursday, 12 August 2021",
        "12:20 gateway of site-03 killed",
        "4.5 kW split again over the others after 60 s",
        "day-ahead price, USD/MWh",
        "frequency, Hz",
        "PV production, kW",
        "local time (America/Chicago)",
        "Statement of owner-03",
        "01MARKET",
        "01ACCURACY",
        "CC BY 4.0",
        "synthetic",
        "Conserved",
    ):
        assert part in re.sub(r"\s+", " ", text), part


def test_what_is_missing_is_left_out(scorecard: Scorecard) -> None:
    html = render_report(ReportData(scorecard=replace(scorecard, books=(), sources=())))
    assert "<svg" not in html
    assert "Money" not in html
    assert Page(html).open == []


def test_foreign_text_cannot_break_the_page(html: str) -> None:
    assert "<of the utility>" not in html
    assert "&lt;of the utility&gt;" in html


def test_money_that_is_not_conserved_is_said(scorecard: Scorecard) -> None:
    short = replace(scorecard.books[0], owners_cents=0)
    assert "Not conserved" in render_report(ReportData(scorecard=replace(scorecard, books=(short,))))


def test_an_event_without_a_loss_has_no_marks(report_data: ReportData) -> None:
    assert report_data.event is not None
    calm = replace(report_data.event, lost_site="", lost_at=None, resplit_at=None, restored_at=None)
    text = Page(render_report(ReportData(scorecard=report_data.scorecard, event=calm))).text
    assert "killed" not in text
    assert "delivered by 2 sites" in text


def test_the_same_data_gives_the_same_file(html: str, report_data: ReportData, tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", report_data)
    assert (tmp_path / "report.html").read_text() == html


def test_plots_follow_the_colours_of_the_page() -> None:
    with canvas(2.0) as figure:
        figure.subplots().plot([0, 1], [0, 1])
        svg = to_svg(figure, "line", "a line")
    assert svg.startswith('<svg role="img" aria-label="a line"')
    assert "var(--ink)" not in svg.partition("<defs>")[0]
    assert "var(--muted)" in svg
    assert not re.search(r"#0[0-9]0[0-9]0[0-9]", svg)
    assert "DejaVu" not in svg


@pytest.mark.parametrize(
    "lines",
    [(), (MoneyLine(what="Penalty", cents=-300),), (MoneyLine(what="Energy", cents=1),)],
    ids=["no-money", "only-charges", "one-cent"],
)
def test_any_day_has_a_money_flow(lines: tuple[MoneyLine, ...]) -> None:
    net = sum(line.cents for line in lines)
    book = BookMoney(
        book="market",
        counterparty="market",
        lines=lines,
        invoice_cents=net,
        owners_cents=0,
        operator_cents=net,
        owners=0,
    )
    svg = plot_money((book,), "USD")
    assert "nan" not in svg
    assert "market book" in svg

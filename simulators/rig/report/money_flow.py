"""The money of the day as a flow: what was earned, what it cost, and who got it. Widths are cents."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path as Curve

from simulators.rig.report.outcome import BookMoney
from simulators.rig.report.plot_style import AMBER, BLUE, INK, MUTED, RED, TEAL, VIOLET, canvas, to_svg
from simulators.rig.report.wording import say_cents

_EARNED_X, _BOOK_X, _SHARED_X = 0.0, 1.0, 2.0
_NODE_WIDTH = 0.035
_GAP = 0.09
"""Space between two nodes, as a share of all that was earned."""
_LABEL_GAP = 0.115
_LABEL_DX = 0.03
_BOOK_COLOURS = (BLUE, VIOLET, AMBER)


@dataclass(slots=True)
class _Node:
    """A bar whose height is an amount; flows leave and arrive from the top down."""

    x: float
    top: float
    cents: int
    label: str
    colour: str
    left_used: int = 0
    right_used: int = 0

    @property
    def bottom(self) -> float:
        return self.top - self.cents

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


def plot_money(books: Sequence[BookMoney], currency: str) -> str:
    """Earnings by product, through the books, to owners, operator and charges."""
    whole = sum(line.cents for book in books for line in book.lines if line.cents > 0) or 1
    earned, middle, shared = _nodes(books, whole)
    with canvas(3.9) as figure:
        axes: Axes = figure.subplots()
        axes.set_axis_off()
        for book, book_node in zip(books, middle, strict=True):
            for node, line in zip(earned, _positive(books), strict=True):
                if line[0] is book:
                    _flow(axes, node, book_node, node.cents)
            for node, cents in zip(shared, _parts(book), strict=True):
                _flow(axes, book_node, node, cents)
        for node in (*earned, *middle, *shared):
            axes.add_patch(Rectangle((node.x, node.bottom), _NODE_WIDTH, node.cents, color=node.colour))
        _label(axes, earned, whole, currency, side="left")
        _label(axes, middle, whole, currency, side="above")
        _label(axes, shared, whole, currency, side="right")
        lowest = min(node.bottom for node in (*earned, *middle, *shared))
        axes.set_xlim(-0.62, 2.62)
        axes.set_ylim(lowest - 0.1 * whole, 0.16 * whole)
        return to_svg(figure, "money", "Money from products through the books to owners and operator")


def _nodes(books: Sequence[BookMoney], whole: int) -> tuple[list[_Node], list[_Node], list[_Node]]:
    colours = [_BOOK_COLOURS[number % len(_BOOK_COLOURS)] for number in range(len(books))]
    earned, middle = [], []
    top = 0.0
    for book, colour in zip(books, colours, strict=True):
        book_cents = sum(line.cents for line in book.lines if line.cents > 0)
        lines = [line for line in book.lines if line.cents > 0]
        spread = _GAP * whole * max(len(lines) - 1, 0)
        middle.append(_Node(_BOOK_X, top - spread / 2, book_cents, f"{book.book} book", colour))
        for line in lines:
            earned.append(_Node(_EARNED_X, top, line.cents, line.what, colour))
            top -= line.cents + _GAP * whole
        top -= _GAP * whole
    totals = [sum(column) for column in zip(*(_parts(book) for book in books), strict=True)]
    owners = sum(book.owners for book in books)
    names = ((f"{owners} owners", TEAL), ("operator", AMBER), ("charges", RED))
    shared, top = [], 0.0
    for cents, (name, colour) in zip(totals, names, strict=True):
        shared.append(_Node(_SHARED_X, top, cents, name, colour))
        top -= cents + 2 * _GAP * whole
    return earned, middle, shared


def _positive(books: Sequence[BookMoney]) -> list[tuple[BookMoney, int]]:
    return [(book, line.cents) for book in books for line in book.lines if line.cents > 0]


def _parts(book: BookMoney) -> tuple[int, int, int]:
    """What leaves a book: to owners, to the operator, and as charges; magnitudes."""
    charges = -sum(line.cents for line in book.lines if line.cents < 0)
    return max(0, book.owners_cents), max(0, book.operator_cents), charges


def _flow(axes: Axes, source: _Node, target: _Node, cents: int) -> None:
    if cents <= 0:
        return
    left, right = source.x + _NODE_WIDTH, target.x
    out_top, in_top = source.top - source.right_used, target.top - target.left_used
    source.right_used += cents
    target.left_used += cents
    bend = (left + right) / 2
    points = [
        (left, out_top),
        (bend, out_top),
        (bend, in_top),
        (right, in_top),
        (right, in_top - cents),
        (bend, in_top - cents),
        (bend, out_top - cents),
        (left, out_top - cents),
        (left, out_top),
    ]
    curve = [Curve.CURVE4] * 3
    codes = [Curve.MOVETO, *curve, Curve.LINETO, *curve, Curve.CLOSEPOLY]
    colour = target.colour if target.x == _SHARED_X else source.colour
    axes.add_patch(PathPatch(Curve(points, codes), facecolor=colour, alpha=0.28, linewidth=0.0))


def _label(axes: Axes, nodes: Sequence[_Node], whole: int, currency: str, side: str) -> None:
    """Name and amount beside each node, moved apart where nodes are thin."""
    ceiling = float("inf")
    for node in nodes:
        if side == "above":
            x, y, align = node.x + _NODE_WIDTH / 2, node.top + 0.05 * whole, "center"
        else:
            y = min(node.middle, ceiling - _LABEL_GAP * whole)
            left = side == "left"
            x = node.x - _LABEL_DX if left else node.x + _NODE_WIDTH + _LABEL_DX
            align = "right" if left else "left"
        ceiling = y
        sign = -1 if node.colour == RED else 1
        amount = say_cents(sign * node.cents, currency)
        if side == "above":
            axes.text(x, y, f"{node.label}  {amount}", ha=align, va="center", color=INK)
            continue
        for words, rise_pt, colour, size_pt in ((node.label, 7, MUTED, 9), (amount, -7, INK, 10)):
            axes.annotate(
                words,
                (x, y),
                xytext=(0, rise_pt),
                textcoords="offset points",
                ha=align,
                va="center",
                color=colour,
                fontsize=size_pt,
            )

"""What the market reads: strict forms, numbers as decimal strings, aware times."""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

ROWS_MAX = 1_000
_NUMBER = re.compile(r"-?\d{1,9}(\.\d{1,6})?", re.ASCII)


def _number(value: object) -> Decimal:
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise ValueError('must be a decimal number as a string, such as "12.5"')
    return Decimal(value)


Number = Annotated[Decimal, BeforeValidator(_number)]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$")]
Day = Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2100, 1, 1))]
ProductName = Literal["ercot-dam-energy", "frequency-reserve-up"]


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Hour(Form):
    start: AwareDatetime
    end: AwareDatetime


class OfferForm(Hour):
    reference: Name
    side: Literal["sell", "buy"]
    quantity_mwh: Number
    limit_price: Number


class OffersForm(Form):
    participant: Name
    product: ProductName
    offers: list[OfferForm] = Field(max_length=ROWS_MAX)


class MeteredForm(Hour):
    energy_mwh: Number


class HeldForm(Hour):
    held_mw: Annotated[Number, Field(ge=0)]
    performance: Annotated[Number, Field(ge=0, le=1)]


class EnergyData(Form):
    participant: Name
    product: Literal["ercot-dam-energy"]
    intervals: list[MeteredForm] = Field(max_length=ROWS_MAX)


class ReserveData(Form):
    participant: Name
    product: Literal["frequency-reserve-up"]
    intervals: list[HeldForm] = Field(max_length=ROWS_MAX)


MeterData = Annotated[EnergyData | ReserveData, Field(discriminator="product")]


def text(value: Decimal) -> str:
    """Plain digits without an exponent."""
    return f"{value:f}"


def stamp(instant: datetime) -> str:
    return instant.isoformat()

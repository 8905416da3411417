"""The chain of record is append-only, idempotent, without circles, and readable from either end."""

import math
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from cloud.chain import store
from cloud.chain.records import Award, Consent, Figure, Offer, Side
from cloud.chain.store import Chain, ConflictingRecord, UnknownRecord
from cloud.storage.database import Database, open_database
from vpp_core.clock import ManualClock
from vpp_core.faults import StorageFault
from vpp_core.ids import IdFactory, OwnerId, ProductId, ProgramId, RecordId, SiteId
from vpp_core.interval import Interval
from vpp_core.money import Price

NOON = datetime(2021, 8, 12, 12, 0, tzinfo=UTC)
ENERGY = ProductId("ercot-dam-energy")
RESERVE = ProductId("frequency-reserve-up")


def _consent(chain: Chain, site: str = "site-00") -> Consent:
    return Consent(
        id=chain.new_id(),
        at=chain.now(),
        owner_id=OwnerId("own-00"),
        site_id=SiteId(site),
        program_id=ProgramId("market-storage"),
        terms_version="2021-1",
        owner_share_pct=80,
        applied_at=chain.now(),
    )


def _offer(chain: Chain, *predecessors: RecordId, hour: int = 0, product: ProductId = ENERGY) -> Offer:
    return Offer(
        id=chain.new_id(),
        at=chain.now(),
        predecessors=predecessors,
        product_id=product,
        interval=Interval.of(NOON + timedelta(hours=hour), 3_600.0),
        side=Side.SELL,
        quantity_wh=5_000,
        limit_price=Price.from_decimal("42.5"),
    )


def _award(chain: Chain, offer: Offer) -> Award:
    return Award(
        id=chain.new_id(),
        at=chain.now(),
        predecessors=(offer.id,),
        product_id=offer.product_id,
        interval=offer.interval,
        side=offer.side,
        quantity_wh=offer.quantity_wh,
        clearing_price=Price.from_decimal("50"),
    )


def test_a_record_reads_back_as_it_was_written(chain: Chain, database: Database, ids: IdFactory) -> None:
    offer = chain.append(_offer(chain))
    assert chain.get(offer.id) == offer
    another_reader = Chain(database, ids, ManualClock(NOON))
    assert another_reader.get(offer.id) == offer


def test_the_same_record_again_changes_nothing(chain: Chain) -> None:
    offer = chain.append(_offer(chain))
    chain.append(offer)
    assert chain.of_kind(Offer) == [offer]


def test_another_record_under_a_used_id_is_refused(chain: Chain) -> None:
    first = chain.append(_consent(chain))
    other = msgspec.structs.replace(first, owner_share_pct=1)
    with pytest.raises(ConflictingRecord, match="already there"):
        chain.append(other)
    assert chain.get(first.id) == first


def test_a_record_without_its_predecessor_is_refused(chain: Chain) -> None:
    orphan = _offer(chain, RecordId("01FD0000000000000000000000"))
    with pytest.raises(UnknownRecord, match="there is none"):
        chain.append(orphan)
    with pytest.raises(UnknownRecord):
        chain.get(orphan.id)


def test_a_batch_is_written_as_a_whole_or_not_at_all(chain: Chain) -> None:
    offer = _offer(chain)
    with pytest.raises(UnknownRecord):
        chain.append_all([offer, _offer(chain, RecordId("01FD0000000000000000000000"))])
    assert chain.of_kind(Offer) == []


def test_within_a_batch_a_record_may_follow_from_an_earlier_one(chain: Chain) -> None:
    offer = _offer(chain)
    award = _award(chain, offer)
    chain.append_all([offer, award])
    assert chain.ancestors(award.id) == [offer]


def test_what_a_failed_transaction_wrote_is_forgotten(chain: Chain, database: Database) -> None:
    offer = _offer(chain)

    def fail() -> None:
        with database.session():
            chain.append(offer)
            assert chain.get(offer.id) == offer
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with pytest.raises(UnknownRecord):
        chain.get(offer.id)


def test_nothing_is_stored_that_could_not_be_read(chain: Chain) -> None:
    figure = Figure(
        id=chain.new_id(),
        at=chain.now(),
        kpi="K-01",
        stage=1,
        label="a figure",
        value=math.nan,
        unit="1",
        definition="",
    )
    with pytest.raises(ValueError, match="read back"):
        chain.append(figure)


def test_a_list_in_place_of_a_tuple_is_refused(chain: Chain) -> None:
    offer = msgspec.structs.replace(_offer(chain), predecessors=[])
    with pytest.raises(ValueError, match="read back"):
        chain.append(offer)


def test_an_altered_record_is_found_when_it_is_read(chain: Chain, database: Database) -> None:
    consent = chain.append(_consent(chain))
    with database.session() as session:
        session.execute(
            text(
                "UPDATE chain_record SET body = CAST(replace(CAST(body AS TEXT), 'own-00', 'own-99') AS BLOB)"
            )
        )
    with pytest.raises(StorageFault, match="altered after it was written"):
        chain.get(consent.id)


def test_a_kind_is_listed_in_order_of_time_then_of_arrival(chain: Chain, clock: ManualClock) -> None:
    early, early_too = _offer(chain), _offer(chain)
    clock.advance(60.0)
    late = _offer(chain)
    chain.append_all([late, early, early_too])
    assert chain.of_kind(Offer) == [early, early_too, late]
    assert chain.latest(Offer) == late
    assert chain.latest(Award) is None


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        pytest.param({"product_id": ENERGY}, [0, 1], id="by a field that the database knows"),
        pytest.param({"quantity_wh": 5_000}, [0, 1, 2], id="by a field of the record"),
        pytest.param({"product_id": ENERGY, "side": Side.BUY}, [], id="by both"),
        pytest.param({"during": Interval.of(NOON, 3_600.0)}, [0], id="by the interval that it concerns"),
        pytest.param({"during": Interval.of(NOON, 3_601.0)}, [0, 1, 2], id="by overlap, half-open"),
        pytest.param({"at": Interval.of(NOON, 1.0)}, [0, 1], id="by when it was made"),
    ],
)
def test_a_kind_can_be_filtered(
    chain: Chain, clock: ManualClock, filters: dict[str, object], expected: list[int]
) -> None:
    offers = [_offer(chain, hour=0), _offer(chain, hour=1)]
    clock.advance(1.0)
    offers.append(_offer(chain, hour=1, product=RESERVE))
    chain.append_all(offers)
    found = chain.of_kind(Offer, **filters)  # type: ignore[arg-type]
    assert [offers.index(offer) for offer in found] == expected


def test_a_filter_that_names_no_field_is_a_mistake(chain: Chain) -> None:
    with pytest.raises(TypeError, match="Offer has no field prodct_id"):
        chain.of_kind(Offer, prodct_id=ENERGY)


def test_the_chain_is_walked_from_either_end(chain: Chain) -> None:
    consent, other = chain.append(_consent(chain)), chain.append(_consent(chain, "site-01"))
    offer = chain.append(_offer(chain, consent.id))
    award = chain.append(_award(chain, offer))
    chain.append(_offer(chain, other.id))
    assert chain.ancestors(award.id) == [consent, offer]
    assert chain.descendants(consent.id) == [offer, award]
    assert chain.trace(offer.id).records == (consent, offer, award)


@pytest.mark.parametrize("walk", ["get", "ancestors", "descendants", "trace"])
def test_an_unknown_id_is_said_to_be_unknown(chain: Chain, walk: str) -> None:
    with pytest.raises(UnknownRecord, match="no record has the id"):
        getattr(chain, walk)(RecordId("01FD0000000000000000000000"))


def test_the_cache_is_bounded(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "CACHED_RECORDS_MAX", 2)
    offers = [chain.append(_offer(chain)) for _ in range(5)]
    assert [chain.get(offer.id) for offer in offers] == offers
    assert len(chain._cache) == 2
    assert chain.of_kind(Offer) == offers


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(min_value=0, max_value=2**30), max_size=12).map(
        lambda masks: [mask % (1 << position) for position, mask in enumerate(masks)]
    )
)
def test_any_chain_is_walked_as_its_links_say(masks: list[int]) -> None:
    """Record n follows from the earlier ones whose bit is set in its mask; the oracle is a plain closure."""
    clock = ManualClock(NOON)
    database = open_database("sqlite://")
    chain = Chain(database, IdFactory(clock.now), clock)
    offers: list[Offer] = []
    above: list[set[int]] = []
    for position, mask in enumerate(masks):
        direct = [i for i in range(position) if mask >> i & 1]
        offers.append(chain.append(_offer(chain, *(offers[i].id for i in direct))))
        above.append(set(direct).union(*(above[i] for i in direct)))
    for position, offer in enumerate(offers):
        assert [offers.index(record) for record in chain.ancestors(offer.id)] == sorted(above[position])  # type: ignore[arg-type]
        below = [i for i in range(len(offers)) if position in above[i]]
        assert [offers.index(record) for record in chain.descendants(offer.id)] == below  # type: ignore[arg-type]
    database.close()

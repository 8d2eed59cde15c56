import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.daemon.wire import frames

small = st.binary(max_size=40)
batches = st.builds(
    frames.Batch,
    session=st.binary(min_size=8, max_size=8),
    batch_id=st.binary(min_size=16, max_size=16),
    number=st.integers(0, 2**32 - 1),
    first_line=st.integers(0, 2**32 - 1),
    received_ns=st.integers(0, 2**63 - 1),
    flags=st.integers(0, 255),
    base=small,
    metadata=small,
    lines=small,
    tokens=st.integers(0, 2**32 - 1),
    terms=small,
)


@given(batches)
def test_a_batch_survives_the_wire(batch: frames.Batch) -> None:
    assert frames.unpack_batch(frames.pack_batch(batch)) == batch


@given(st.binary(max_size=80))
def test_a_frame_that_is_no_batch_is_refused_with_one_error(data: bytes) -> None:
    try:
        frames.unpack_batch(data)
    except frames.WireError:
        pass


@given(st.binary(max_size=80))
def test_a_frame_that_is_none_of_a_worker_is_refused_with_one_error(data: bytes) -> None:
    try:
        frames.unpack_from_worker(data)
    except frames.WireError:
        pass


@pytest.mark.parametrize(
    "message",
    [
        frames.Hello(1, "0.1.0", 2, 7, b"12345678", 1_000_000),
        frames.Verdict(b"12345678", b"i" * 16, 0, accepted=3),
        frames.Verdict(
            b"12345678", b"i" * 16, 4, 1, 1, [frames.LineError(5, "bad", b"{\xff")], frames.StreamError(400, "x")
        ),
    ],
)
def test_hello_and_verdict_survive_the_wire(message: frames.Hello | frames.Verdict) -> None:
    packed = frames.pack_hello(message) if isinstance(message, frames.Hello) else frames.pack_verdict(message)
    assert frames.unpack_from_worker(packed) == message


def test_equal_bases_give_equal_bytes_and_come_back() -> None:
    base = frames.RequestBase(host_ip="10.0.0.1", namespace="shop")
    assert frames.pack_base(base) == frames.pack_base(frames.RequestBase(namespace="shop", host_ip="10.0.0.1"))
    assert frames.unpack_base(frames.pack_base(base)) == base


@given(st.lists(st.binary(min_size=16, max_size=16), min_size=2, max_size=20))
def test_id_stems_are_unique_and_sort_as_their_bytes(ids: list[bytes]) -> None:
    assert sorted(map(frames.id_stem, ids)) == [frames.id_stem(one) for one in sorted(ids)]
    assert len(set(map(frames.id_stem, ids))) == len(set(ids))


def test_batch_ids_begin_with_their_time() -> None:
    earlier = frames.new_batch_id(1_700_000_000_000, b"\xff" * 10)
    later = frames.new_batch_id(1_700_000_000_001, b"\x00" * 10)
    assert len(earlier) == frames.BATCH_ID_BYTES
    assert earlier < later

"""What is remembered of API keys."""

from __future__ import annotations

from tidegate.daemon.auth.key_cache import BAD_KEPT, KEEP_SECONDS, KeyCache, Unknown

GOOD = frozenset(["event:write"])
BAD: frozenset[str] = frozenset()


def test_good_and_bad_keys_are_known_for_a_minute() -> None:
    cache = KeyCache(2)
    assert cache.find(b"a", 0.0) is Unknown.ASK
    cache.keep(b"a", GOOD, 0.0)
    cache.keep(b"b", BAD, 0.0)
    assert (cache.find(b"a", KEEP_SECONDS - 1), cache.find(b"b", KEEP_SECONDS - 1)) == (GOOD, BAD)
    assert (cache.find(b"a", KEEP_SECONDS), cache.find(b"b", KEEP_SECONDS)) == (Unknown.ASK, Unknown.ASK)


def test_no_more_good_keys_than_the_limit() -> None:
    cache = KeyCache(2)
    cache.keep(b"a", GOOD, 0.0)
    cache.keep(b"b", GOOD, 1.0)
    assert cache.find(b"c", 2.0) is Unknown.FULL
    cache.keep(b"c", GOOD, 2.0)
    assert cache.find(b"c", 2.0) is Unknown.FULL
    assert cache.find(b"a", 2.0) == GOOD
    assert cache.find(b"c", KEEP_SECONDS + 0.5) is Unknown.ASK


def test_bad_keys_take_no_place_of_good_ones() -> None:
    cache = KeyCache(1)
    for number in range(BAD_KEPT + 10):
        cache.keep(number.to_bytes(4, "big"), BAD, 0.0)
    assert len(cache._bad) == BAD_KEPT
    assert cache.find(b"good", 0.0) is Unknown.ASK
    cache.keep(b"good", GOOD, 0.0)
    assert cache.find(b"good", 0.0) == GOOD
    assert cache.find((0).to_bytes(4, "big"), 0.0) is Unknown.FULL, "the oldest bad one made room"


def test_a_key_that_turns_good_or_bad_is_known_once() -> None:
    cache = KeyCache(1)
    cache.keep(b"a", BAD, 0.0)
    cache.keep(b"a", GOOD, 1.0)
    assert cache.find(b"a", 2.0) == GOOD
    cache.keep(b"a", BAD, 3.0)
    assert cache.find(b"a", 4.0) == BAD

from tidegate.workers.source_maps.shelf import Shelf


def kept(shelf: Shelf[str, int], names: str) -> str:
    """Those of some names that are kept; asking counts as use."""
    return "".join(name for name in names if shelf.get(name) is not None)


def test_the_one_that_was_not_used_for_the_longest_time_goes_first() -> None:
    shelf: Shelf[str, int] = Shelf(most_bytes=100, most=3)
    for name in "abc":
        shelf.put(name, 1, 10)
    shelf.get("a")
    shelf.put("d", 1, 10)
    assert kept(shelf, "abcd") == "acd"
    shelf.put("e", 1, 85)
    assert kept(shelf, "acde") == "de"


def test_the_last_one_stays_whatever_it_weighs() -> None:
    shelf: Shelf[str, int] = Shelf(most_bytes=100)
    shelf.put("small", 1, 10)
    shelf.put("huge", 2, 1000)
    assert (shelf.get("huge"), len(shelf)) == (2, 1)
    shelf.put("small", 1, 10)
    assert (shelf.get("huge"), shelf.get("small")) == (None, 1)


def test_what_is_replaced_or_dropped_weighs_nothing_any_more() -> None:
    shelf: Shelf[str, int] = Shelf(most_bytes=100)
    for _ in range(20):
        shelf.put("a", 1, 60)
    shelf.put("b", 2, 40)
    assert len(shelf) == 2
    shelf.drop("a")
    shelf.drop("a")
    shelf.put("c", 3, 60)
    assert len(shelf) == 2

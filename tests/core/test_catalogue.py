import pytest

from ays_core.catalogue import Catalogue, Entry


def catalogue():
    made = Catalogue[Entry]("fruit")
    made.add(Entry("pear", "Pear", lambda: "pear", "garden", aliases=("poire", "pera")))
    made.add(Entry("apple", "Apple", lambda: "apple", "garden"))
    return made


def test_entries_come_in_the_order_they_were_added_without_aliases():
    made = catalogue()
    assert list(made) == ["pear", "apple"]
    assert len(made) == 2
    assert [entry.label for entry in made.values()] == ["Pear", "Apple"]


def test_aliases_find_their_entry():
    made = catalogue()
    assert made["poire"] is made["pear"]
    assert "pera" in made and "plum" not in made


def test_an_unknown_name_lists_the_known_ones():
    for error in (KeyError, ValueError):
        with pytest.raises(error) as caught:
            catalogue()["plum"]
        assert str(caught.value) == "unknown fruit 'plum'; known: pear, apple"
    assert catalogue().get("plum") is None


@pytest.mark.parametrize("taken", ["pear", "poire"])
def test_a_name_is_given_once(taken):
    made = catalogue()
    for entry in (
        Entry(taken, "Again", lambda: None, "x"),
        Entry("new", "New", lambda: None, "x", aliases=(taken,)),
    ):
        with pytest.raises(ValueError, match=f"fruit '{taken}' is already in the catalogue"):
            made.add(entry)
    assert list(made) == ["pear", "apple"]

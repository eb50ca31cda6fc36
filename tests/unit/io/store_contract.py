"""What any store of documents must do, whichever it is: cases that a test class inherits, with a fixture `store`."""

from __future__ import annotations

import pytest

from metrics_lake.io.documents.store import DocumentStore

C = "listening"


def document(id_: str, tenant: str = "acme", **more) -> dict:
    return {"id": id_, "tenant": tenant, **more}


def ids(store: DocumentStore, low: str = "", high: str = "~", tenant: str = "acme") -> list[str]:
    return [held["id"] for held in store.between(C, tenant, low, high)]


class StoreContract:
    """The cases."""

    def test_a_store_in_which_nothing_was_put_holds_nothing(self, store):
        assert ids(store) == []

    def test_deleting_where_nothing_was_put_is_no_error(self, store):
        store.delete(C, "acme", ["a"])
        assert ids(store) == []

    def test_documents_come_back_as_they_were_put(self, store):
        put = document("*:day:2001-01-15", number=1.5, text="Künstler 🎙", nothing=None, nested={"a": [1, 2]})
        assert store.upsert(C, [put]) == 1
        assert store.between(C, "acme", "", "~") == [put]

    def test_a_range_holds_both_its_ends_in_the_order_of_ids(self, store):
        store.upsert(C, [document(f"*:day:2001-01-{day}") for day in (17, 15, 14, 16)])
        assert ids(store, "*:day:2001-01-15", "*:day:2001-01-16") == ["*:day:2001-01-15", "*:day:2001-01-16"]

    def test_all_ids_of_a_tenant_are_told_in_order(self, store):
        assert store.ids(C, "acme") == []
        store.upsert(C, [document("b"), document("ü:day"), document("*:a"), document("c", "other")])
        assert store.ids(C, "acme") == ["*:a", "b", "ü:day"] and store.ids("downloads", "acme") == []

    def test_putting_again_replaces_and_never_doubles(self, store):
        store.upsert(C, [document("a", number=1), document("b", number=1)])
        store.upsert(C, [document("a", number=2)])
        assert [(held["id"], held["number"]) for held in store.between(C, "acme", "", "~")] == [("a", 2), ("b", 1)]

    def test_putting_the_same_again_changes_nothing(self, store):
        found = [document("a", revision=3), document("b", revision=1)]
        store.upsert(C, found)
        store.upsert(C, found)
        assert store.between(C, "acme", "", "~") == found

    def test_an_older_revision_never_replaces_a_newer_one(self, store):
        store.upsert(C, [document("a", revision=3, number=3), document("b", revision=1)])
        assert store.upsert(C, [document("a", revision=2, number=2), document("b", revision=2)]) == 1
        assert [(held["id"], held["revision"]) for held in store.between(C, "acme", "", "~")] == [("a", 3), ("b", 2)]

    def test_tenants_and_containers_share_nothing(self, store):
        store.upsert(C, [document("a", number=1), document("a", "other", number=2), document("b", "other", number=4)])
        store.upsert("downloads", [document("a", number=3)])
        assert [held["number"] for held in store.between(C, "acme", "", "~")] == [1]
        assert [held["number"] for held in store.between(C, "other", "", "~")] == [2, 4]
        assert [held["number"] for held in store.between("downloads", "acme", "", "~")] == [3]

    def test_what_can_not_be_stored_stops_a_call_before_anything_is_written(self, store):
        store.upsert(C, [document("a", number=1)])
        with pytest.raises(TypeError):
            store.upsert(C, [document("a", number=2), document("b", number=object())])
        with pytest.raises(KeyError):
            store.upsert(C, [document("c"), {"id": "no tenant"}])
        assert store.between(C, "acme", "", "~") == [document("a", number=1)]

    def test_deleting_takes_what_is_named_and_no_more(self, store):
        store.upsert(C, [document("a"), document("b"), document("a", "other")])
        store.delete(C, "acme", ["a", "not there"])
        assert ids(store) == ["b"] and ids(store, tenant="other") == ["a"]

    @pytest.mark.parametrize("id_", ["' OR 1=1 --", '"; --', "ä:day", "%", "a b"])
    def test_an_id_is_never_taken_for_a_query(self, store, id_):
        store.upsert(C, [document("other"), document(id_)])
        assert [held["id"] for held in store.between(C, "acme", id_, id_)] == [id_]
        store.delete(C, "acme", [id_])
        assert ids(store) == ["other"]

    @pytest.mark.parametrize("tenant", ["' OR '1'='1", "acme' --"])
    def test_a_tenant_is_never_taken_for_a_query(self, store, tenant):
        store.upsert(C, [document("a")])
        assert ids(store, tenant=tenant) == [] == store.ids(C, tenant)

    def test_more_documents_than_a_batch_takes_all_come_to_stand(self, store):
        found = [document(f"*:hour:{number:04}", number=number) for number in range(230)]
        assert store.upsert(C, reversed(found)) == 230
        assert store.between(C, "acme", "", "~") == found

    def test_putting_nothing_is_no_error(self, store):
        assert store.upsert(C, []) == 0 and ids(store) == []

    def test_a_document_that_goes_and_comes_back_continues_its_revision(self, store):
        store.upsert(C, [document("a", revision=3, number=6), document("b", revision=1)])
        store.delete(C, "acme", ["a"])
        assert ids(store) == ["b"] == store.ids(C, "acme")
        assert store.upsert(C, [document("a", revision=1, number=9), document("b", revision=1)]) == 2
        assert store.between(C, "acme", "", "~") == [document("a", revision=4, number=9), document("b", revision=1)]
        store.delete(C, "acme", ["a", "b"])
        store.upsert(C, [document("a", revision=1), document("b", revision=7)])
        assert [(held["id"], held["revision"]) for held in store.between(C, "acme", "", "~")] == [("a", 5), ("b", 7)]

    def test_what_came_back_is_not_replaced_by_an_older_revision_either(self, store):
        store.upsert(C, [document("a", revision=1)])
        store.delete(C, "acme", ["a"])
        store.upsert(C, [document("a", revision=1, number=2)])
        assert store.upsert(C, [document("a", revision=1, number=3)]) == 0
        assert store.between(C, "acme", "", "~") == [document("a", revision=2, number=2)]

    def test_removing_again_forgets_no_revision(self, store):
        store.upsert(C, [document("a", revision=5)])
        store.delete(C, "acme", ["a"])
        store.delete(C, "acme", ["a"])
        store.upsert(C, [document("a", revision=1)])
        assert store.between(C, "acme", "", "~") == [document("a", revision=6)]

    def test_what_is_remembered_of_a_removed_document_is_of_its_own_tenant_and_container(self, store):
        store.upsert(C, [document("a", revision=3), document("a", "other", revision=1)])
        store.upsert("downloads", [document("a", revision=1)])
        store.delete(C, "acme", ["a"])
        store.delete(C, "other", ["a"])
        store.delete("downloads", "acme", ["a"])
        store.upsert(C, [document("a", "other", revision=1)])
        store.upsert("downloads", [document("a", revision=1)])
        assert store.between(C, "other", "", "~") == [document("a", "other", revision=2)]
        assert store.between("downloads", "acme", "", "~") == [document("a", revision=2)]
        assert ids(store) == [] == ids(store, "", "~", "removed")

    def test_many_documents_that_come_back_continue_each_its_own_revision(self, store):
        found = [document(f"*:hour:{number:04}", revision=number + 1) for number in range(230)]
        store.upsert(C, found)
        store.delete(C, "acme", [each["id"] for each in found])
        assert store.ids(C, "acme") == []
        assert store.upsert(C, [{**each, "revision": 1} for each in found]) == 230
        assert [held["revision"] for held in store.between(C, "acme", "", "~")] == [n + 2 for n in range(230)]

    def test_a_store_that_can_be_used_is_healthy_before_and_after_the_first_document(self, store):
        assert store.health().is_right and store.health().remedy == ""
        store.upsert(C, [document("a")])
        assert store.health().is_right and isinstance(store.takes_many_writers, bool)

    def test_scrubbing_removes_no_document(self, store):
        store.scrub()
        store.upsert(C, [document("a"), document("b")])
        store.delete(C, "acme", ["b"])
        store.scrub()
        assert ids(store) == ["a"]

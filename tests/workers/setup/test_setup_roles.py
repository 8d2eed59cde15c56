"""The least roles, word for word: whoever changes one must change this too."""

from __future__ import annotations

from tidegate.workers.setup.roles import RUN_ROLE, SETUP_ROLE, create_api_key, has_privileges, lacking

READING = {
    "all",
    "read",
    "view_index_metadata",
    "read_cross_cluster",
    "read_failure_store",
    "manage",
    "manage_failure_store",
}


def test_the_role_for_running() -> None:
    """http-surface.md 8.5."""
    assert RUN_ROLE == {
        "cluster": ["monitor"],
        "indices": [
            {"names": ["traces-apm*", "logs-apm*", "metrics-apm*"], "privileges": ["auto_configure", "create_doc"]},
            {
                "names": [".apm-agent-configuration", ".apm-source-map"],
                "privileges": ["read"],
                "allow_restricted_indices": True,
            },
        ],
    }


def test_neither_role_reads_events() -> None:
    for role in (RUN_ROLE, SETUP_ROLE):
        for entry in role["indices"]:
            if any("-apm*" in name for name in entry["names"]):
                assert not READING - {"view_index_metadata"} & set(entry["privileges"])


def test_the_role_for_setting_up_holds_all_that_the_key_is_to_have() -> None:
    assert set(RUN_ROLE["cluster"]) <= set(SETUP_ROLE["cluster"])
    assert all(entry in SETUP_ROLE["indices"] for entry in RUN_ROLE["indices"])
    assert create_api_key("x").body == {
        "name": "x",
        "role_descriptors": {"tidegate": RUN_ROLE},
        "metadata": {"managed_by": "tidegate"},
    }


def test_what_is_lacking_is_named() -> None:
    asked = has_privileges().body
    assert asked is not None and asked["cluster"] == ["monitor"] and len(asked["index"]) == 2
    answer = {
        "has_all_requested": False,
        "cluster": {"monitor": True},
        "index": {"traces-apm*": {"create_doc": False, "auto_configure": True}, ".apm-source-map": {"read": False}},
    }
    assert lacking(answer) == ["create_doc on traces-apm*", "read on .apm-source-map"]
    assert lacking({"has_all_requested": True}) == lacking("nonsense") == []

"""One run of `tidegate prove`: what is needed is made, connected, and taken away again."""

from __future__ import annotations

import argparse
import secrets
import time
from pathlib import Path
from random import Random

from tidegate.cli.prove.bulk import Stored
from tidegate.cli.prove.campaign import Campaign
from tidegate.cli.prove.events import Events
from tidegate.cli.prove.findings import Arrived, compare, letters_of
from tidegate.cli.prove.instance import Instance, Trouble, free_port
from tidegate.cli.prove.letters import read_letters
from tidegate.cli.prove.oracle import Oracle
from tidegate.cli.prove.plan import OF_THE_MACHINE, Fault, plan
from tidegate.cli.prove.progress import Progress
from tidegate.cli.prove.real_store import RealStore
from tidegate.cli.prove.report import Report
from tidegate.cli.prove.setting import filesystem_of, headers_of, namespace_of, settings_with, words_of_instance
from tidegate.cli.prove.stand_in import StandIn
from tidegate.cli.prove.store import Store
from tidegate.cli.setup_cluster import SetupFailed

_CLIENTS = 6


def prove(arguments: argparse.Namespace, folder: Path) -> Report:
    """One run in an empty folder; nothing of it is left running. Raises SettingsError, SetupFailed."""
    seed = arguments.seed or secrets.token_hex(4)
    random = Random(seed)  # noqa: S311 - a plan that can be repeated, no secret
    events = Events(seed)
    store = _store(arguments, events)
    port = free_port()
    words = words_of_instance(arguments, folder, port, store.url, namespace_of(events))
    instance = Instance(folder, port, words, arguments.workers)
    oracle = Oracle(port, events, headers_of(), rate=arguments.rate, clients=_CLIENTS)
    faults = arguments.faults if arguments.elasticsearch is None else set(arguments.faults) & OF_THE_MACHINE
    steps = plan(arguments.kill, arguments.target, faults, random)
    pause = arguments.duration / max(1, arguments.kill) if arguments.duration else None
    troubles: list[str] = []
    fresh, began = -1.0, time.monotonic()
    with Progress() as say:
        campaign = Campaign(instance, oracle, store, random, outage=arguments.outage, pause=pause, say=say)
        try:
            campaign.run(steps)
            fresh = campaign.settle()
            instance.stop()
        except Trouble as problem:
            troubles.append(str(problem))
            oracle.finish()
        finally:
            instance.close()
            store.close()
    seconds = time.monotonic() - began
    letters, letters_twice = letters_of(read_letters(instance.data, events))
    stored = store.stored
    arrived = Arrived(stored.times, frozenset(stored.changed), letters, letters_twice)
    return Report(
        seed=seed,
        filesystem=filesystem_of(folder),
        store=store.name,
        steps=dict(campaign.done),
        restarts=campaign.restarts,
        seconds=seconds,
        findings=compare(oracle.fates, arrived),
        answers=dict(oracle.answers.most_common()),
        conflicts=stored.conflicts,
        lost_answers=store.lost_answers,
        fresh=fresh,
        again=campaign.again,
        frozen=campaign.frozen,
        slowest=oracle.slowest,
        memory=campaign.memory,
        troubles=troubles,
    )


def _store(arguments: argparse.Namespace, events: Events) -> Store:
    """The stand-in, or the Elasticsearch that was named. Raises SettingsError and SetupFailed."""
    if arguments.elasticsearch is None:
        return StandIn(Stored(events, refusing=Fault.REJECT in arguments.faults), free_port())
    part = settings_with(arguments, arguments.elasticsearch).worker_part(0).elasticsearch
    if part is None:
        raise SetupFailed(f"--elasticsearch {arguments.elasticsearch}: the settings make no output of it")
    return RealStore(part, f"traces-apm-{namespace_of(events)}", events)

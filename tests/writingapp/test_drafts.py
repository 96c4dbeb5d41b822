"""Drafts are made only where the keeper wants them and a node has room for them."""

import pytest
from pytest_django import Settings

from inference.engines.base import Node
from writingapp import stream
from writingapp.engineroom import EngineRoom

NODES = [
    Node("laptop", "llamacpp", "http://127.0.0.1:1", capacity=2),
    Node("roomy", "vllm", "http://127.0.0.1:2", capacity=32),
    Node("loose", "transformers", "http://127.0.0.1:3", capacity=32),  # holds no form
]


@pytest.mark.parametrize(("wanted", "made"), [(1, [1, 1, 1]), (3, [1, 3, 1])])
async def test_a_node_with_room_makes_them(settings: Settings, wanted: int, made: list[int]) -> None:
    settings.DRAFTS = wanted
    room = EngineRoom(stream.Log(stream.connect()))
    try:
        room.nodes.update(NODES)
        assert [room.drafts(node) for node in NODES] == made
    finally:
        await room.close()


async def test_a_node_whose_seats_are_taken_makes_one(settings: Settings) -> None:
    settings.DRAFTS = 3
    room = EngineRoom(stream.Log(stream.connect()))
    try:
        room.nodes.update(NODES[1:2])
        (seat,) = room.nodes.seats
        for ours, made in ((29, 2), (31, 1), (32, 1)):
            seat.ours = ours
            assert room.drafts(NODES[1]) == made
    finally:
        await room.close()

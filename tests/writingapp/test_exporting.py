"""Pairs leave the house by the terminal: what its writers let go, in every format, and never a word of a manuscript."""

import json
import uuid
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.training import tiny_base
from tests.writingapp import pairs
from training import trainer
from training.batch import lines
from training.datasets import FORMATS
from training.parquet import read
from writingapp.models import AuditEvent, Pair, Rating, User
from writingapp.services import exporting, runs

pytestmark = pytest.mark.django_db


@pytest.fixture
def writer() -> User:
    return User.objects.create_user(username="writer", consents=True)


def export(out: Path, form_of_file: str = "trl", **said: Any) -> str:
    told = StringIO()
    call_command("export_preferences", form_of_file=form_of_file, out=out, stdout=told, stderr=told, **said)
    return told.getvalue()


@pytest.mark.parametrize("form", FORMATS)
def test_approved_pairs_go_out_and_come_back(form: str, writer: User, tmp_path: Path) -> None:
    made = [pairs.pair(writer, state="approved") for _ in range(3)]
    pairs.pair(writer, state="waiting")
    assert "3 pairs; 0 left out" in export(tmp_path, form)
    rows = read(tmp_path, form)
    assert {row.id for row in rows} == {str(each.pk) for each in made}
    assert {(row.chosen, row.writer) for row in rows} == {(pairs.CHOSEN, writer.pseudonym)}
    told = StringIO()
    call_command("import_preferences", tmp_path, form_of_file=form, stdout=told)
    assert "3 pairs by 1 writers" in told.getvalue()
    assert "3   form wujue" in told.getvalue()
    assert AuditEvent.objects.get().detail["rows"] == 3


def test_what_she_took_back_meanwhile_stays(writer: User, tmp_path: Path) -> None:
    kept, gone = (pairs.pair(writer, state="approved") for _ in range(2))
    Rating.objects.filter(pairs=gone).update(consent=False)
    assert "1 pairs; 1 left out" in export(tmp_path)
    assert [row.id for row in read(tmp_path, "trl")] == [str(kept.pk)]


def test_a_pair_that_was_withdrawn_takes_no_weight(writer: User, tmp_path: Path) -> None:
    stands = pairs.pair(writer, state="approved")
    turned = Pair.objects.get(pk=stands.pk)
    turned.pk, turned._state.adding, turned.state = uuid.uuid4(), True, "withdrawn"
    turned.chosen, turned.rejected = stands.rejected, stands.chosen
    turned.save()
    export(tmp_path)
    assert [(row.id, row.weight) for row in read(tmp_path, "trl")] == [(str(stands.pk), 1.0)]


@pytest.mark.parametrize("form", FORMATS)
def test_no_word_of_a_manuscript_and_no_name_goes_out(form: str, tmp_path: Path) -> None:
    writer = User.objects.create_user(username="her-own-name", email="her@example.org", consents=True)
    for kind in ("poem", "line", "continue"):
        pairs.pair(writer, state="approved", kind=kind)
    export(tmp_path, form)
    texts = [path.read_text("utf-8") for path in tmp_path.rglob("*") if path.suffix in (".jsonl", ".json", ".md")]
    told = "".join([*texts, repr(read(tmp_path, form))])
    assert "晓色入平湖" in told
    for secret in (pairs.SECRET, "her-own-name", "her@example.org"):
        assert secret not in told


def test_filters_are_those_of_the_desk(writer: User, tmp_path: Path) -> None:
    pairs.pair(writer, state="approved", form="wujue")
    held = pairs.pair(writer, state="held", form="qijue")
    export(tmp_path, state="held", form="qijue")
    assert [row.id for row in read(tmp_path, "trl")] == [str(held.pk)]
    with pytest.raises(CommandError, match="--since"):
        export(tmp_path, since="the day before")


def test_a_file_of_something_else_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "pairs.jsonl").write_text("春眠不觉晓", encoding="utf-8")
    with pytest.raises(CommandError, match=r"pairs\.jsonl"):
        call_command("import_preferences", tmp_path / "pairs.jsonl", form_of_file="trl")
    assert Pair.objects.count() == 0


def into(source: Path, run: Path, base: Path, *knobs: str) -> None:
    said = {"base": base, "served_as": "tiny", "set": list(knobs)}
    call_command("import_preferences", source, form_of_file="trl", into=run, stdout=StringIO(), **said)


def test_what_comes_in_is_learnt_as_what_was_said_here(writer: User, tmp_path: Path) -> None:
    made = [pairs.pair(writer, state="approved", wish=f"湖 {n}") for n in range(6)]
    Pair.objects.filter(pk=made[0].pk).update(split="held_out")
    export(tmp_path / "out")
    run, base = tmp_path / "run", tiny_base.write(tmp_path / "base")
    into(tmp_path / "out", run, base, "rank=4", "alpha=8", "threads=1")
    told = [json.loads(line) for line in lines((run / "data.jsonl").read_text("utf-8"))]
    ours = runs.groups_of(list(runs.trainable()))
    assert sorted(str(each | {"id": ""}) for each in told) == sorted(str(each | {"id": ""}) for each in ours)
    trainer.train(run)
    assert (run / "adapter" / "adapter_model.safetensors").is_file()
    assert Pair.objects.count() == 6


def test_what_was_taken_back_after_it_went_out_is_not_learnt_when_it_comes_back(writer: User, tmp_path: Path) -> None:
    kept, withdrawn, refused = (pairs.pair(writer, state="approved", wish=f"湖 {n}") for n in range(3))
    export(tmp_path / "out")
    Pair.objects.filter(pk=withdrawn.pk).update(state="withdrawn")
    Rating.objects.filter(pairs=refused).update(consent=False)
    told = StringIO()
    call_command("import_preferences", tmp_path / "out", form_of_file="trl", stdout=told)
    assert "2 are of this house and may train no more" in told.getvalue()
    run = tmp_path / "run"
    into(tmp_path / "out", run, tiny_base.write(tmp_path / "base"))
    (learnt,) = [json.loads(line) for line in lines((run / "data.jsonl").read_text("utf-8"))]
    assert learnt["prompt"] == kept.inspiration.messages


@pytest.mark.parametrize("ident", ["their-own-7", "", str(uuid.uuid4())])
def test_what_others_have_said_is_not_asked_about_here(writer: User, tmp_path: Path, ident: str) -> None:
    pairs.pair(writer, state="approved")
    export(tmp_path / "out")
    theirs = [replace(row, id=ident) for row in read(tmp_path / "out", "trl")]
    assert exporting.still_allowed(theirs) == theirs


def test_however_its_id_is_written_it_is_known(writer: User, tmp_path: Path) -> None:
    pairs.pair(writer, state="approved")
    export(tmp_path / "out")
    Pair.objects.update(state="withdrawn")
    (ours,) = read(tmp_path / "out", "trl")
    written = [ours.id.upper(), ours.id.replace("-", "")]
    assert exporting.still_allowed([replace(ours, id=each) for each in written]) == []


def test_a_run_that_could_not_be_is_not_left(writer: User, tmp_path: Path) -> None:
    pairs.pair(writer, state="approved")
    export(tmp_path / "out")
    run, base = tmp_path / "run", tiny_base.write(tmp_path / "base")
    with pytest.raises(CommandError, match="rink"):
        into(tmp_path / "out", run, base, "rink=4")
    assert not list(run.iterdir())
    Pair.objects.update(state="withdrawn")
    with pytest.raises(CommandError, match="nothing to learn"):
        into(tmp_path / "out", run, base)
    Pair.objects.update(state="approved")
    (run / "mine.txt").write_text("x")
    with pytest.raises(CommandError, match="already"):
        into(tmp_path / "out", run, base)
    with pytest.raises(CommandError, match="needs --base"):
        call_command("import_preferences", tmp_path / "out", form_of_file="trl", into=tmp_path / "new")

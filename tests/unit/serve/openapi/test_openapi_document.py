"""The document has every path, and of each what serve/errors.py and the models say."""

import asyncio
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR
from starlette.routing import Route

from serve.access import OPEN_PATHS
from serve.app import create_app
from serve.decode import decode
from serve.errors import NotInstalled, NotReady, RequestError
from serve.model import LoadedModel
from serve.openapi import document as making
from serve.openapi import swagger
from serve.openapi.document import document, key
from serve.openapi.operations import OPERATIONS
from serve.settings import Settings
from serve.slot import Slot
from tests.mixed_models import version


def routes(settings: Settings) -> list[Route]:
    return [route for route in create_app(settings).routes if isinstance(route, Route) and route.include_in_schema]


def described(*models: LoadedModel, meant: LoadedModel | None = None, **given: Any) -> dict[str, Any]:
    settings = Settings(models=Path("none"), **given)
    made: dict[str, Any] = json.loads(json.dumps(document(routes(settings), models, meant, settings)))
    return made


def methods(made: dict[str, Any]) -> set[tuple[str, str]]:
    return {(path, method.upper()) for path, operations in made["paths"].items() for method in operations}


def renamed(name: str) -> LoadedModel:
    model = LoadedModel(version("classes"))
    model.name = name
    return model


MIXED = LoadedModel(version("classes"))


def test_every_route_of_the_application_is_in_the_document_and_nothing_else() -> None:
    expected = {
        (route.path_format.replace("{name}", MIXED.name).replace("{version}", str(MIXED.version)), method)
        for route in routes(Settings(models=Path("none")))
        for method in (route.methods or set()) - {"HEAD"}
        if OPERATIONS[key(route)].can(MIXED)
    }

    assert methods(described(MIXED, meant=MIXED)) == expected


def test_nothing_is_described_that_is_no_route() -> None:
    assert set(OPERATIONS) == {key(route) for route in routes(Settings(models=Path("none")))}


def test_each_of_several_models_has_its_paths_and_a_path_without_a_name_is_left_out_where_it_means_none() -> None:
    made = described(renamed("wine"), renamed("homes"))

    assert {"/models/wine/predict", "/models/homes/predict"} < made["paths"].keys()
    assert "/predict" not in made["paths"]
    assert {"wine.Row", "homes.Row"} < made["components"]["schemas"].keys()


def test_an_identifier_stands_for_one_operation() -> None:
    made = described(renamed("wine"), renamed("homes"))
    identifiers = [each["operationId"] for operations in made["paths"].values() for each in operations.values()]

    assert len(identifiers) == len(set(identifiers))


def test_every_reference_leads_to_something_and_every_component_is_used() -> None:
    made = described(MIXED, meant=MIXED)
    text = json.dumps(made)
    components = {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "responses")
        for name in made["components"][kind]
        if name not in {"401", "Models", "Listed"}  # only with tokens, or several models
    }
    used = {part.partition('"')[0] for part in text.split('"$ref": "')[1:]}

    assert used - {"#/components/schemas/Listed"} == components


def test_a_status_says_what_its_errors_say() -> None:
    made = described(MIXED, meant=MIXED)

    assert made["components"]["responses"].keys() == {str(kind.status) for kind in RequestError.__subclasses__()}
    for kind in RequestError.__subclasses__():
        first = (kind.__doc__ or "").partition(".")[0]
        assert first in made["components"]["responses"][str(kind.status)]["description"]


def test_with_tokens_every_path_but_those_of_probes_and_prometheus_needs_one(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("a-token-that-is-long\n")
    made = described(MIXED, meant=MIXED, tokens_file=tmp_path / "tokens")

    assert made["components"]["securitySchemes"] == {"bearer": {"type": "http", "scheme": "bearer"}}
    assert made["security"] == [{"bearer": []}]
    opened = {path for path, operations in made["paths"].items() if operations.get("get", {}).get("security") == []}
    assert opened == OPEN_PATHS
    for path, operations in made["paths"].items():
        assert all(("401" in each["responses"]) == (path not in opened) for each in operations.values())


def test_without_tokens_there_is_no_scheme_and_no_401() -> None:
    made = described(MIXED, meant=MIXED)

    assert "security" not in made
    assert not any("401" in each["responses"] for each in made["paths"]["/predict"].values())


@pytest.mark.parametrize("kind", ["classes", "labels", "number"])
def test_an_example_is_answered_and_fits_its_schema(kind: Any) -> None:
    model = LoadedModel(version(kind))
    made = described(model, meant=model)
    content = made["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]

    assert len(content["examples"]) == 3
    validator = jsonschema_rs.validator_for(content["schema"] | {"components": made["components"]})
    for example in content["examples"].values():
        assert validator.is_valid(example["value"])
        decode(json.dumps(example["value"]).encode(), model.signature, 10)


def test_the_document_is_one_of_openapi_3_1() -> None:
    assert [error.message for error in OPENAPI_31_VALIDATOR.iter_errors(described(MIXED, meant=MIXED))] == []
    assert not OPENAPI_31_VALIDATOR.is_valid(described(MIXED, meant=MIXED) | {"paths": {"no slash": {}}})


def test_where_swagger_ui_is_not_installed_its_page_and_files_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert swagger.asset("swagger-ui.css")
    monkeypatch.setattr(swagger, "PACKAGE", "no_such_package")

    with pytest.raises(NotInstalled):
        swagger.page()
    with pytest.raises(NotInstalled):
        swagger.asset("swagger-ui.css")


@pytest.mark.parametrize("name", ["start.js", "swagger-ui-bundle.js"])
def test_a_file_is_in_memory_once_however_many_clients_take_their_time_to_read_it(name: str) -> None:
    assert swagger.asset(name) is swagger.asset(name)


def test_without_a_model_there_is_no_document_yet(tmp_path: Path) -> None:
    app = create_app(Settings(models=tmp_path))

    with pytest.raises(NotReady):
        asyncio.run(app.state.openapi.content())


def test_the_document_is_made_anew_once_paths_without_a_name_mean_another_model(tmp_path: Path) -> None:
    app = create_app(Settings(models=tmp_path))
    served = Slot(MIXED.name)
    served.take(MIXED)

    def paths(*slots: Slot) -> dict[str, Any]:
        app.state.watcher.slots = {slot.name: slot for slot in slots}
        found: dict[str, Any] = json.loads(asyncio.run(app.state.openapi.content()))["paths"]
        return found

    assert "/predict" not in paths(served, Slot("refused"))
    assert "/predict" in paths(served)


def test_the_document_is_made_once_for_all_who_ask_at_the_same_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, made = create_app(Settings(models=tmp_path)), []
    slot = Slot(MIXED.name)
    slot.take(MIXED)
    app.state.watcher.slots = {slot.name: slot}

    def counted(*given: Any) -> dict[str, Any]:
        made.append(given)
        return document(*given)

    async def ask() -> set[bytes]:
        return set(await asyncio.gather(*(app.state.openapi.content() for _ in range(5))))

    monkeypatch.setattr(making, "document", counted)

    assert len(asyncio.run(ask())) == 1
    assert len(made) == 1

"""The Open Inference Protocol over gRPC, with the real server: each method, each datatype, and HTTP's answers."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest

from serve.grpc.inference import SERVICE
from serve.grpc.messages import MESSAGES
from tests import mixed_models
from tests.conftest import MODEL
from tests.examples import BENIGN, MALIGNANT
from tests.remote_calls import NOT_SERVING, SERVING, Caller, infer_raw, outputs_of, raw, refusal, typed
from tests.servers import RunningServer, serving

ROWS = np.array([BENIGN, MALIGNANT], np.float32)
WHOLE = np.arange(60).reshape(2, 30)  # fits every datatype


@pytest.fixture(scope="module")
def running(trained: Path) -> Iterator[RunningServer]:
    with serving(trained, "--grpc-port", "0", "--max-rows", "1000", "--max-body-bytes", "1000000") as server:
        server.says("curl")
        yield server


@pytest.fixture(scope="module")
def caller(running: RunningServer) -> Iterator[Caller]:
    with Caller.of(running) as found:
        yield found


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    root = tmp_path_factory.mktemp("mixed")
    mixed_models.publish_mixed(root, "classes")
    with serving(root, "--grpc-port", "0") as server:
        server.says("curl")
        yield server


def over_http(running: RunningServer, rows: Any) -> dict[str, Any]:
    """Return label and probabilities as /predict gives them."""
    answer = httpx.post(f"{running.address}/predict", json={"instances": rows}).raise_for_status().json()
    found = [(each["prediction"], each["probabilities"]) for each in answer["predictions"]]
    probabilities = np.array([shares for _, shares in found], np.float32)
    return {"label": [label for label, _ in found], "probabilities": probabilities.tolist()}


def test_the_server_is_live_ready_and_healthy(caller: Caller) -> None:
    assert caller.call("ServerLive").live
    assert caller.call("ServerReady").ready
    assert caller.health() == caller.health(SERVICE) == SERVING


def test_the_health_of_an_unknown_service_is_not_found(caller: Caller) -> None:
    refused = refusal(lambda: caller.health("somebody else"))
    assert refused.code == grpc.StatusCode.NOT_FOUND


def test_a_model_is_ready_by_name_and_by_version_and_others_are_not_found(caller: Caller) -> None:
    assert caller.call("ModelReady", name=MODEL).ready
    assert caller.call("ModelReady", name=MODEL, version="1").ready
    for wrong in ({"name": "nobody"}, {"name": MODEL, "version": "2"}):
        refused = caller.refused("ModelReady", **wrong)
        assert refused.code == grpc.StatusCode.NOT_FOUND
        assert refused.details.endswith("GET /v2/repository/index lists them")


def test_the_metadata_are_those_of_http(caller: Caller, running: RunningServer) -> None:
    server, model = caller.call("ServerMetadata"), caller.call("ModelMetadata", name=MODEL)

    def described(tensors: Any) -> list[dict[str, Any]]:
        return [{"name": each.name, "datatype": each.datatype, "shape": list(each.shape)} for each in tensors]

    found = {"name": server.name, "version": server.version, "extensions": list(server.extensions)}
    assert found == httpx.get(f"{running.address}/v2").json()
    assert {
        "name": model.name,
        "versions": list(model.versions),
        "platform": model.platform,
        "inputs": described(model.inputs),
        "outputs": described(model.outputs),
    } == httpx.get(f"{running.address}/v2/models/{MODEL}").json()


def test_raw_contents_are_answered_bit_for_bit_as_over_http(caller: Caller, running: RunningServer) -> None:
    answer = caller.call("ModelInfer", **infer_raw(MODEL, raw("input", "FP32", ROWS), id="seven"))

    assert outputs_of(answer) == over_http(running, ROWS.tolist())
    assert (answer.model_name, answer.model_version, answer.id) == (MODEL, "1", "seven")
    assert [(each.datatype, list(each.shape)) for each in answer.outputs] == [("INT64", [2]), ("FP32", [2, 2])]


def test_typed_contents_are_answered_as_raw_ones(caller: Caller, running: RunningServer) -> None:
    tensor = typed("input", "FP32", [2, 30], fp32_contents=ROWS.reshape(-1).tolist())

    assert outputs_of(caller.call("ModelInfer", model_name=MODEL, inputs=[tensor])) == over_http(running, ROWS.tolist())


def test_many_rows_are_answered_in_a_thread_as_on_the_loop(caller: Caller, running: RunningServer) -> None:
    rows = np.tile(ROWS, (400, 1))
    tensor = typed("input", "FP32", rows.shape, fp32_contents=rows.reshape(-1).tolist())

    answers = [
        outputs_of(caller.call("ModelInfer", **infer_raw(MODEL, raw("input", "FP32", rows)))),
        outputs_of(caller.call("ModelInfer", model_name=MODEL, inputs=[tensor])),
    ]

    one = over_http(running, ROWS.tolist())
    assert answers == [{name: values * 400 for name, values in one.items()}] * 2


def test_a_tensor_a_column_in_any_order_is_answered_as_the_matrix(caller: Caller, running: RunningServer) -> None:
    names = httpx.get(running.address).json()["features"]
    columns = [raw(name, "FP32", ROWS[:, index]) for index, name in enumerate(names)]

    answer = caller.call("ModelInfer", **infer_raw(MODEL, *reversed(columns)))

    assert outputs_of(answer) == over_http(running, ROWS.tolist())


FIELDS = {
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
}
DTYPES = {"FP16": "<f2", "FP32": "<f4", "FP64": "<f8"}


def dtype_of(datatype: str) -> str:
    return DTYPES.get(datatype) or datatype.lower()


@pytest.mark.parametrize("datatype", [*FIELDS, "FP16"])
def test_every_numeric_datatype_is_taken_raw(caller: Caller, running: RunningServer, datatype: str) -> None:
    sent = raw("input", datatype, WHOLE.astype(dtype_of(datatype)))

    assert outputs_of(caller.call("ModelInfer", **infer_raw(MODEL, sent))) == over_http(running, WHOLE.tolist())


@pytest.mark.parametrize(("datatype", "field"), FIELDS.items())
def test_every_numeric_datatype_is_taken_in_its_field(
    caller: Caller, running: RunningServer, datatype: str, field: str
) -> None:
    tensor = typed("input", datatype, [2, 30], **{field: WHOLE.reshape(-1).tolist()})

    answer = caller.call("ModelInfer", model_name=MODEL, inputs=[tensor])

    assert outputs_of(answer) == over_http(running, WHOLE.tolist())


def test_booleans_are_one_and_zero(caller: Caller, running: RunningServer) -> None:
    truths = WHOLE % 2 == 0
    answers = [
        caller.call("ModelInfer", **infer_raw(MODEL, raw("input", "BOOL", truths))),
        caller.call(
            "ModelInfer",
            model_name=MODEL,
            inputs=[typed("input", "BOOL", [2, 30], bool_contents=truths.reshape(-1).tolist())],
        ),
    ]

    for answer in answers:
        assert outputs_of(answer) == over_http(running, truths.astype(int).tolist())


def test_bfloat16_is_the_upper_half_of_a_float32(caller: Caller, running: RunningServer) -> None:
    halves = (WHOLE.astype("<f4").view("<u4") >> 16).astype("<u2")

    answer = caller.call("ModelInfer", **infer_raw(MODEL, raw("input", "BF16", halves)))

    assert outputs_of(answer) == over_http(running, WHOLE.tolist())


def texts(values: list[str]) -> bytes:
    return b"".join(struct.pack("<I", len(value.encode())) + value.encode() for value in values)


@pytest.mark.parametrize("form", ["raw", "typed"])
def test_columns_of_texts_are_taken_and_labels_that_are_texts_given(mixed: RunningServer, form: str) -> None:
    columns = dict(zip(mixed_models.NAMES, zip(*mixed_models.ROWS, strict=True), strict=True))
    numbers = {name: np.array(columns[name], np.float32) for name in ("width", "height")}
    words = {name: [text or "" for text in columns[name]] for name in ("colour", "shape")}
    values: dict[str, Any] = {"model_name": mixed_models.NAME}
    if form == "raw":
        tensors = [raw(name, "FP32", column) for name, column in numbers.items()]
        tensors += [
            ({"name": name, "datatype": "BYTES", "shape": [5, 1]}, texts(column)) for name, column in words.items()
        ]
        values = infer_raw(mixed_models.NAME, *tensors)
    else:
        values["inputs"] = [
            typed(name, "FP32", [5], fp32_contents=column.tolist()) for name, column in numbers.items()
        ] + [
            typed(name, "BYTES", [5], bytes_contents=[text.encode() for text in column])
            for name, column in words.items()
        ]

    with Caller.of(mixed) as caller:
        found = outputs_of(caller.call("ModelInfer", **values))

    assert found == over_http(mixed, mixed_models.ROWS)
    assert set(found["label"]) == {"no", "yes"}


def test_requested_outputs_are_given_in_their_order_and_parameters_are_accepted(caller: Caller) -> None:
    parameters = {"priority": MESSAGES["InferParameter"](int64_param=1)}
    values = infer_raw(MODEL, raw("input", "FP32", ROWS), model_version="1", parameters=parameters)

    both = caller.call("ModelInfer", **values, outputs=[{"name": "probabilities"}, {"name": "label"}])
    one = caller.call("ModelInfer", **values, outputs=[{"name": "label", "parameters": parameters}])

    assert [output.name for output in both.outputs] == ["probabilities", "label"]
    assert outputs_of(one) == {"label": outputs_of(both)["label"]}


FLAT = ROWS.reshape(-1).tolist()
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "29 columns": (
        infer_raw(MODEL, raw("input", "FP32", ROWS[:, :29])),
        "input 1 of 1 has another shape than the model's rows (expected the shape [rows, 30])",
    ),
    "too few bytes": (
        infer_raw(MODEL, ({"name": "input", "datatype": "FP32", "shape": [2, 30]}, ROWS.tobytes()[4:])),
        "input 1 of 1 has 59 values; its shape has room for more",
    ),
    "a part of a value": (
        infer_raw(MODEL, ({"name": "input", "datatype": "FP32", "shape": [2, 30]}, ROWS.tobytes()[1:])),
        "input 1 of 1 has a part of a value at its end; expected values of 4 bytes each",
    ),
    "an unknown datatype": (
        infer_raw(MODEL, ({"name": "input", "datatype": "FP8", "shape": [2, 30]}, ROWS.tobytes())),
        "input 1 of 1 has an unknown datatype (expected one of BOOL, ",
    ),
    "a negative shape": (
        infer_raw(MODEL, ({"name": "input", "datatype": "FP32", "shape": [-2, -30]}, ROWS.tobytes())),
        "input 1 of 1 has a negative number in its shape",
    ),
    "raw contents for fewer inputs": (
        {**infer_raw(MODEL, raw("input", "FP32", ROWS)), "raw_input_contents": [b"", b""]},
        "raw_input_contents has 2 entries; expected one for each of 1 inputs",
    ),
    "both contents": (
        {
            "model_name": MODEL,
            "inputs": [typed("input", "FP32", [2, 30], fp32_contents=FLAT)],
            "raw_input_contents": [ROWS.tobytes()],
        },
        "input 1 of 1 has contents beside raw_input_contents; expected either",
    ),
    "another field": (
        {"model_name": MODEL, "inputs": [typed("input", "FP32", [2, 30], fp64_contents=FLAT)]},
        "input 1 of 1 has its values in fp64_contents (expected fp32_contents, the field of its datatype)",
    ),
    "a datatype without a field": (
        {"model_name": MODEL, "inputs": [typed("input", "FP16", [2, 30], fp32_contents=FLAT)]},
        "input 1 of 1 has a datatype without a field in contents (expected it in raw_input_contents)",
    ),
    "a value that the datatype does not hold": (
        {"model_name": MODEL, "inputs": [typed("input", "INT8", [2, 30], int_contents=[*range(59), 128])]},
        "input 1 of 1 has a value that its datatype does not hold",
    ),
    "no inputs": ({"model_name": MODEL}, "an input is missing (column mean radius, expected "),
    "no rows": (infer_raw(MODEL, raw("input", "FP32", ROWS[:0])), "the inputs have no rows; expected at least 1"),
    "an unknown output": (
        infer_raw(MODEL, raw("input", "FP32", ROWS), outputs=[{"name": "odds"}]),
        "output 1 of 1 has a name that is no output of this model (expected label or probabilities)",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_told_in_one_sentence_with_what_was_expected(caller: Caller, what: str) -> None:
    values, sentence = WRONG[what]

    code, details, _ = caller.refused("ModelInfer", **values)

    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert details.startswith(sentence)


@pytest.mark.parametrize(("value", "name"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_a_value_that_is_wrong_is_told_with_the_sentence_row_and_column_of_http(
    caller: Caller, running: RunningServer, value: float, name: str
) -> None:
    rows = ROWS.copy()
    rows[1, 2] = value
    sent = None if name == "NaN" else 1e39
    told = httpx.post(
        f"{running.address}/predict", json={"instances": [BENIGN, [*MALIGNANT[:2], sent, *MALIGNANT[3:]]]}
    ).json()

    code, details, _ = caller.refused("ModelInfer", **infer_raw(MODEL, raw("input", "FP32", rows)))

    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert "(row 1, column mean perimeter, expected a number" in details
    if name != "NaN":
        assert details.startswith(told["error"])


def test_too_many_rows_and_too_many_bytes_are_resource_exhausted(caller: Caller, running: RunningServer) -> None:
    rows = np.zeros((1001, 30), np.float32)
    code, details, _ = caller.refused("ModelInfer", **infer_raw(MODEL, raw("input", "FP32", rows)))
    assert (code, details) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "the inputs have 1001 rows; at most 1000 are answered at once",
    )

    large = infer_raw(MODEL, raw("input", "FP64", np.zeros((5000, 30))))
    assert caller.refused("ModelInfer", **large).code == grpc.StatusCode.RESOURCE_EXHAUSTED
    content = MESSAGES["ModelInferRequest"](**large).SerializeToString()
    refused = refusal(lambda: caller.method(f"/{SERVICE}/ModelInfer")(content, compression=grpc.Compression.Gzip))
    assert refused.code == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "Traceback" not in running.text


@pytest.mark.parametrize("content", [b"\xff", b"\x0a\x05ab", b"\x0a\x01\xff", b"{}"])
def test_what_is_no_message_is_told_so(caller: Caller, content: bytes) -> None:
    refused = refusal(lambda: caller.method(f"/{SERVICE}/ModelInfer")(content))

    assert refused.code == grpc.StatusCode.INVALID_ARGUMENT
    assert refused.details == "the message cannot be read; expected one of the Open Inference Protocol"


def test_a_call_without_a_message_is_told_so(caller: Caller) -> None:
    refused = refusal(lambda: caller.channel.stream_unary(f"/{SERVICE}/ModelInfer")(iter(()), timeout=30))

    assert refused.code == grpc.StatusCode.INVALID_ARGUMENT
    assert refused.details == "the call has no message; expected one"


def test_an_unknown_model_is_not_found_and_an_unknown_method_unimplemented(caller: Caller) -> None:
    code, details, _ = caller.refused("ModelInfer", **infer_raw("nobody", raw("input", "FP32", ROWS)))
    assert (code, details) == (
        grpc.StatusCode.NOT_FOUND,
        "there is no such model; GET /v2/repository/index lists them",
    )
    refused = refusal(lambda: caller.method(f"/{SERVICE}/ModelConfig")(b""))
    assert refused.code == grpc.StatusCode.UNIMPLEMENTED


def test_calls_are_counted_beside_http_with_the_same_statuses(caller: Caller, running: RunningServer) -> None:
    def counted(route: str, status: int) -> float:
        text = httpx.get(f"{running.address}/metrics").text
        start = f'copse_requests_total{{method="POST",route="{route}",status="{status}"}} '
        return sum(float(line.removeprefix(start)) for line in text.splitlines() if line.startswith(start))

    route = f"/{SERVICE}/ModelInfer"
    before = counted(route, 200), counted(route, 422)
    caller.call("ModelInfer", **infer_raw(MODEL, raw("input", "FP32", ROWS)))
    caller.refused("ModelInfer", **WRONG["29 columns"][0])

    assert (counted(route, 200), counted(route, 422)) == (before[0] + 1, before[1] + 1)


def test_a_server_without_a_model_is_not_ready_and_says_when_to_come_again(tmp_path: Path) -> None:
    with serving(tmp_path, "--grpc-port", "0") as running, Caller.of(running) as caller:
        assert caller.call("ServerLive").live
        assert not caller.call("ServerReady").ready
        assert caller.health() == NOT_SERVING
        refused = caller.refused("ModelInfer")
        assert refused.code == grpc.StatusCode.UNAVAILABLE
        assert refused.details == "not ready: no model is published yet"
        assert refused.trailer.pop("x-request-id")
        assert refused.trailer == {"retry-after": "1", "grpc-retry-pushback-ms": "1000"}


def test_the_repository_is_listed_as_over_http(caller: Caller, running: RunningServer) -> None:
    for ready in (False, True):
        listed = caller.call("RepositoryIndex", ready=ready).models
        found = [{name: getattr(each, name) for name in ("name", "version", "state", "reason")} for each in listed]
        asked = httpx.post(f"{running.address}/v2/repository/index", json={"ready": ready})
        assert found == asked.json() == [{"name": MODEL, "version": "1", "state": "READY", "reason": ""}]


@pytest.mark.parametrize("method", ["RepositoryModelLoad", "RepositoryModelUnload"])
def test_models_are_loaded_and_unloaded_only_where_that_is_allowed(caller: Caller, method: str) -> None:
    refused = caller.refused(method, model_name=MODEL)

    assert refused.code == grpc.StatusCode.PERMISSION_DENIED
    assert "--model-control on allows it" in refused.details


def test_a_model_that_is_unloaded_is_not_ready_until_it_is_loaded(trained: Path) -> None:
    flags = ("--grpc-port", "0", "--model-control", "on")
    with serving(trained, *flags) as running, Caller.of(running) as caller:
        running.says("curl")
        caller.call("RepositoryModelUnload", model_name=MODEL)
        assert not caller.call("ModelReady", name=MODEL).ready
        code, *_ = caller.refused("ModelInfer", **infer_raw(MODEL, raw("input", "FP32", ROWS)))
        assert code == grpc.StatusCode.UNAVAILABLE

        config = {"config": MESSAGES["RepositoryParameter"](string_param="{}")}
        refused = caller.refused("RepositoryModelLoad", model_name=MODEL, parameters=config)
        assert refused.code == grpc.StatusCode.INVALID_ARGUMENT

        caller.call("RepositoryModelLoad", model_name=MODEL)
        assert caller.call("ModelReady", name=MODEL).ready


def test_an_answer_carries_the_id_that_was_sent_or_one_of_its_own(caller: Caller) -> None:
    def answered(*metadata: tuple[str, str]) -> str:
        _, call = caller.method(f"/{SERVICE}/ServerLive").with_call(b"", metadata=metadata, timeout=20)
        (found,) = [value for name, value in call.trailing_metadata() if name == "x-request-id"]
        return str(found)

    assert answered(("x-request-id", "order-7")) == "order-7"
    assert len({answered() for _ in range(3)}) == 3

"""Asks a server through kserve's client library all that it can ask, over HTTP (v1 and v2) and gRPC.

Standard input is that of tritonclients.py, with both addresses; the answers are printed as JSON.
"""

import asyncio
import json
import logging
import sys
from collections.abc import Awaitable
from typing import Any

import grpc
import httpx
import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

Found = dict[str, Any]


def request(model: str, given: Found, *, binary: bool, inputs: Any = None, wanted: Any = None) -> InferRequest:
    """Return a request with a tensor for each column."""
    columns = []
    for index, (name, datatype) in enumerate(given["columns"]):
        values = [row[index] for row in given["rows"]]
        column = InferInput(name, [len(values), 1], datatype)
        column.set_data_from_numpy(array_of(values, datatype), binary_data=binary)
        columns.append(column)
    return InferRequest(
        model,
        inputs or columns,
        request_id="number 7",
        parameters={"binary_data_output": binary},
        request_outputs=wanted,
    )


def array_of(values: list[Any], datatype: str) -> Any:
    """Return a column [n, 1]; a missing text is the empty one."""
    if datatype == "BYTES":
        return np.array([[value or ""] for value in values], dtype=np.object_)
    return np.array([[value] for value in values], dtype=np.float32)


def outputs_of(response: Any) -> Found:
    """Return the values of all outputs by name."""
    return {each.name: plain(each.as_numpy()) for each in response.outputs}


def plain(values: Any) -> Any:
    """Return an array as nested lists."""
    if values.dtype != np.object_:
        return values.tolist()
    return [value.decode() if isinstance(value, bytes) else value for value in values.reshape(-1)]


async def over_http(address: str, models: Found) -> Found:
    """Ask by both of the protocol's versions over HTTP."""
    found: Found = {}
    async with (
        InferenceRESTClient(RESTConfig(protocol="v1")) as first,
        InferenceRESTClient(RESTConfig(protocol="v2")) as second,
    ):
        for model, given in models.items():
            in_json, binary = (request(model, given, binary=each) for each in (False, True))
            last = [RequestedOutput(given["outputs"][-1])]
            only = await second.infer(address, request(model, given, binary=True, wanted=last), model)
            answered = await second.infer(address, in_json, model)
            found[model] = {
                "v1": await first.infer(address, {"instances": given["rows"]}, model),
                "answers": {
                    "JSON": outputs_of(answered),
                    "binary": outputs_of(await second.infer(address, binary, model)),
                },
                "id": answered.id,
                "model answered": [answered.model_name, answered.model_version],
                "only what is wanted": [each.name for each in only.outputs] == given["outputs"][-1:],
                "live": await first.is_server_live(address) and await second.is_server_live(address),
                "ready": await second.is_server_ready(address),
                "model ready": [
                    await first.is_model_ready(address, model),
                    await second.is_model_ready(address, model),
                    await second.is_model_ready(address, "nobody"),
                ],
                "errors": {
                    "unknown model": await fails(second.infer(address, binary, "nobody")),
                    "unknown model, v1": await fails(first.infer(address, {"instances": given["rows"]}, "nobody")),
                    "wrong name": await fails(second.infer(address, misnamed(model, given), model)),
                    "wrong rows, v1": await fails(first.infer(address, {"instances": [[1, 2, 3, 4, 5]]}, model)),
                },
            }
    return found


async def over_grpc(address: str, models: Found) -> Found:
    """Ask over gRPC, with typed and with raw contents."""
    found: Found = {}
    async with InferenceGRPCClient(address) as client:
        for model, given in models.items():
            typed, raw = (request(model, given, binary=each) for each in (False, True))
            answered = await client.infer(raw)
            found[model] = {
                "answers": {"typed": outputs_of(await client.infer(typed)), "raw": outputs_of(answered)},
                "id": answered.id,
                "model answered": [answered.model_name, answered.model_version],
                "live": await client.is_server_live(),
                "ready": await client.is_server_ready(),
                "model ready": await client.is_model_ready(model),
                "errors": {
                    "unknown model": await fails(client.infer(request("nobody", given, binary=True))),
                    "wrong name": await fails(client.infer(misnamed(model, given))),
                    "unknown model ready": await fails(client.is_model_ready("nobody")),
                },
            }
    return found


def misnamed(model: str, given: Found) -> InferRequest:
    """Return a request whose only input is none of the model's."""
    hidden = InferInput("hidden", [1, 1], "FP32")
    hidden.set_data_from_numpy(np.zeros((1, 1), dtype=np.float32))
    return request(model, given, binary=True, inputs=[hidden])


async def fails(asked: Awaitable[Any]) -> Any:
    """Return status and sentence of the error, or what was answered."""
    try:
        return await asked
    except httpx.HTTPStatusError as error:
        return [error.response.status_code, str(error)]
    except grpc.RpcError as error:
        return [error.code().name, error.details()]


async def main() -> None:
    logging.disable()  # the library logs each error with its trace
    given = json.load(sys.stdin)
    found = {
        "http": await over_http(given["http"], given["models"]),
        "grpc": await over_grpc(given["grpc"], given["models"]),
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())

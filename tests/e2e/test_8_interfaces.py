"""What else the pods answer: a browser, programs that speak the Open Inference Protocol, and gRPC from pod to pod."""

import json

import httpx
import pytest

from tests.e2e.cluster import Namespace, eventually
from tests.e2e.installs import BY_HELM, ByHelm, Installation
from tests.examples import BENIGN

pytestmark = [pytest.mark.cluster, BY_HELM]

CALLS = 40
CALL = """
import json, sys, grpc, numpy
from serve.grpc.messages import MESSAGES
target, row = sys.argv[1], json.loads(sys.argv[2])
tensor = MESSAGES["InferTensor"](name="input", datatype="FP32", shape=[1, len(row)])
tensor.contents.fp32_contents.extend(row)
request = MESSAGES["ModelInferRequest"](model_name="breast-cancer", inputs=[tensor])
balanced = [("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}')]
channel = grpc.insecure_channel(target, options=balanced)
infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer",
                            MESSAGES["ModelInferRequest"].SerializeToString, MESSAGES["ModelInferResponse"].FromString)
answers = set()
for _ in range(int(sys.argv[3])):
    answer = infer(request, timeout=20, wait_for_ready=True)
    place = [output.name for output in answer.outputs].index("probabilities")
    answers.add(answer.raw_output_contents[place])
print(json.dumps([numpy.frombuffer(each, numpy.float32).tolist() for each in answers]))
"""
ROWS = """
import urllib.request
lines = urllib.request.urlopen("http://127.0.0.1:8000/metrics").read().decode().splitlines()
print(sum(float(line.split()[-1]) for line in lines if line.startswith("copse_rows_total{")))
"""


@pytest.fixture(scope="module")
def namespace(installation: Installation) -> Namespace:
    assert isinstance(installation, ByHelm)
    installation.release("copse", "--reuse-values", "--set", "serve.grpc.enabled=true", "--wait", "--timeout", "2m")
    eventually(lambda: installation.namespace.settled(2), "there are not two pods that answer gRPC")
    return installation.namespace


def inside(namespace: Namespace, pod: str, *arguments: str) -> str:
    return namespace.kubectl("exec", pod, "--", "python", "-c", *arguments)


def rows_answered(namespace: Namespace) -> dict[str, float]:
    names = [pod["metadata"]["name"] for pod in namespace.pods("serve")]
    return {name: float(inside(namespace, name, ROWS)) for name in names}


def test_a_client_that_balances_among_the_pods_has_the_same_answer_from_each(
    namespace: Namespace, address: str
) -> None:
    expected = httpx.post(f"{address}/predict", json={"features": BENIGN}).json()["probabilities"]
    before = rows_answered(namespace)

    answers = json.loads(
        inside(namespace, next(iter(before)), CALL, "dns:///copse-grpc:8001", json.dumps(BENIGN), str(CALLS))
    )

    assert [[float(f"{value:.7g}") for value in answer] for answer in answers] == [expected]
    more = {name: rows - before[name] for name, rows in rows_answered(namespace).items()}
    assert sum(more.values()) == CALLS
    assert min(more.values()) > 0, "one pod had all calls"


def test_the_service_with_one_address_answers_grpc_too(namespace: Namespace) -> None:
    pod = namespace.pods("serve")[0]["metadata"]["name"]

    assert len(json.loads(inside(namespace, pod, CALL, "copse:8001", json.dumps(BENIGN), "1"))) == 1


def test_a_browser_is_shown_the_model_and_its_interface(namespace: Namespace, address: str) -> None:  # noqa: ARG001
    page = httpx.get(f"{address}/", headers={"accept": "text/html"})
    interface = httpx.get(f"{address}/docs", headers={"accept": "text/html"})

    assert "breast-cancer" in page.text
    assert page.headers["content-type"].startswith("text/html")
    assert interface.status_code == 200


def test_the_open_inference_protocol_answers_through_the_service(namespace: Namespace, address: str) -> None:  # noqa: ARG001
    body = {"inputs": [{"name": "input", "datatype": "FP32", "shape": [1, len(BENIGN)], "data": BENIGN}]}
    answer = httpx.post(f"{address}/v2/models/breast-cancer/infer", json=body).json()
    outputs = {output["name"]: output["data"] for output in answer["outputs"]}

    assert (
        outputs["probabilities"] == httpx.post(f"{address}/predict", json={"features": BENIGN}).json()["probabilities"]
    )

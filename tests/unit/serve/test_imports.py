"""The wall between training and serving: the server loads nothing that only training needs."""

import subprocess
import sys

import pytest

LOADED = "import sys; import {module}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
TRAINING = {"sklearn", "skl2onnx", "onnx", "pandas", "scipy", "joblib", "train"}


def loaded(module: str) -> set[str]:
    command = [sys.executable, "-c", LOADED.format(module=module)]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def test_the_server_imports_nothing_of_training() -> None:
    modules = loaded("serve.server, serve.cli")

    assert "onnxruntime" in modules
    assert modules & TRAINING == set()


def test_a_server_that_only_answers_loads_no_templates_no_grpc_and_nothing_of_prometheus() -> None:
    assert loaded("serve.server, serve.cli") & {"jinja2", "grpc", "google", "prometheus_client"} == set()


def test_the_model_repository_imports_nothing_but_the_standard_library_and_msgspec() -> None:
    beyond = loaded("model_repository.cli") - loaded("msgspec") - sys.stdlib_module_names

    assert beyond == {"model_repository"}


@pytest.mark.parametrize("module", ["serve.server", "train.cli"])
def test_telemetry_is_off_before_onnx_runtime_is_imported(module: str) -> None:
    script = (
        "import builtins, os\n"
        "original = builtins.__import__\n"
        "def watched(name, *rest, **more):\n"
        "    if name.partition('.')[0] == 'onnxruntime':\n"
        "        assert os.environ.get('ORT_DISABLE_TELEMETRY') == '1', 'imported too early'\n"
        "    return original(name, *rest, **more)\n"
        "builtins.__import__ = watched\n"
        f"import {module}\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env={})

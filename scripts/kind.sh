#!/usr/bin/env bash
# kind.sh up|load|deploy|down: the cluster of kind-config.yaml, both images in it, and Copse installed.
# CLUSTER, INSTALL (helm or manifests), VERSION and NEXT_TAG are variables; KIND_NODE_IMAGE may name the node's image.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.tools:$PATH
cluster=${CLUSTER:-copse}
context=kind-$cluster
images=("copse-train:$VERSION" "copse-serve:$VERSION")

up() {
  if kind get clusters 2>/dev/null | grep -qx "$cluster"; then
    echo "kind-up: the cluster $cluster is there already"
    return
  fi
  local image=()
  if [ -n "${KIND_NODE_IMAGE:-}" ]; then image=(--image "$KIND_NODE_IMAGE"); fi
  kind create cluster --config kind-config.yaml --name "$cluster" --wait 120s "${image[@]}"
}

# The serving image goes in under a second tag too: the tests upgrade to it.
load() {
  docker tag "copse-serve:$VERSION" "copse-serve:$NEXT_TAG"
  kind load docker-image "${images[@]}" "copse-serve:$NEXT_TAG" --name "$cluster"
}

deploy() {
  local before
  before=$(kubectl --context "$context" --namespace copse get deployment copse --ignore-not-found --output name)
  load
  kubectl --context "$context" apply -f k8s/extra/namespace.yaml
  if [ "${INSTALL:-helm}" = manifests ]; then
    kubectl --context "$context" --namespace copse apply -f k8s -f k8s/extra/service-node-port.yaml
    kubectl --context "$context" --namespace copse rollout status deployment/copse --timeout 5m
  else
    helm upgrade --install copse helm/copse --kube-context "$context" --namespace copse \
      --values helm/copse/ci/kind-values.yaml --wait --wait-for-jobs --timeout 5m
  fi
  # An image that was built again has the same name: only new pods run it.
  if [ -n "$before" ]; then
    kubectl --context "$context" --namespace copse rollout restart deployment/copse
    kubectl --context "$context" --namespace copse rollout status deployment/copse --timeout 5m
  fi
  echo "deploy: http://127.0.0.1:8080"
}

down() { kind delete cluster --name "$cluster"; }

"$1"

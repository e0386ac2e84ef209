#!/usr/bin/env bash
# tool.sh NAME [--install]: ends well if the program can be run, from .tools or from PATH.
# A small one that is missing is compiled into .tools by Go, at the version below; --install does that for any.
# Otherwise it says so; on CI a missing program is an error, elsewhere the caller goes on without it.
set -euo pipefail
name=$1 install=${2:-}
small=no tags=
case $name in
  actionlint) source=github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 small=yes ;;
  kubeconform) source=github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0 small=yes ;;
  helm) source=helm.sh/helm/v4/cmd/helm@v4.3.1 ;;
  helm3) source=helm.sh/helm/v3/cmd/helm@v3.21.4 ;;
  vegeta) source=github.com/tsenart/vegeta/v12@v12.12.0 small=yes ;;
  kind) source=sigs.k8s.io/kind@v0.33.0 ;;
  # Without what finds targets in clouds, nearly all of what there would be to compile.
  prometheus | promtool) source=github.com/prometheus/prometheus/cmd/$name@v0.316.0 tags=remove_all_sd ;;
  *) echo "tool.sh: there is no $name" >&2; exit 2 ;;
esac
program=${name%3}
tools=$(cd "$(dirname "$0")/.." && pwd)/.tools

if [ -z "$install" ] && { [ -x "$tools/$program" ] || command -v "$program" >/dev/null; }; then exit 0; fi
if { [ "$install" = --install ] || [ $small = yes ]; } && command -v go >/dev/null; then
  echo "tools: compiling $name into .tools (once)"
  for pause in 5 20 60 0; do # a network that fails for a moment is no reason to give up
    CGO_ENABLED=0 GOBIN=$tools go install -trimpath -tags "$tags" -ldflags "-s -w" "$source" && exit 0
    sleep $pause
  done
  exit 1
fi
if [ -n "${CI:-}" ]; then
  echo "tools: no $name, which CI must have (make tools)" >&2
else
  echo "tools: no $name, so what needs it is skipped here (CI runs it)"
fi
exit 1

{{/* Values that cannot work together are refused here, each with one sentence that says what to do. */}}
{{- define "copse.refuse" -}}
{{- with .Values }}
{{- if has "ReadWriteOncePod" .persistence.accessModes }}
{{- fail "persistence.accessModes must not hold ReadWriteOncePod: training and serving pods need the volume at the same time" }}
{{- end }}
{{- if not (or .train.enabled .retrain.enabled .persistence.existingClaim) }}
{{- fail "train.enabled=false and retrain.enabled=false leave the volume empty for ever: set persistence.existingClaim to one that holds a model" }}
{{- end }}
{{- $sources := include "copse.dataSources" .train | trim | splitList " " | compact }}
{{- if gt (len $sources) 1 }}
{{- fail (printf "%s cannot be used at once: /data is one volume" (join " and " $sources)) }}
{{- end }}
{{- if and $sources (not (regexMatch "(^|=|,| )/data(/|,| |$)" (join " " .train.args))) }}
{{- fail (printf "%s is found under /data, but train.args names nothing there: add --data=/data/FILE" (first $sources)) }}
{{- end }}
{{- if and .train.data.existingClaim (eq .train.data.existingClaim (include "copse.claim" $)) }}
{{- fail "train.data.existingClaim must not be the claim of the models: a folder in it is taken for a model" }}
{{- end }}
{{- range concat .train.args .retrain.extraArgs }}
{{- if regexMatch "^--(name|models)(=|$)" . }}
{{- fail (printf "train.args and retrain.extraArgs must not hold %s: model.name is the name, and /models the folder" (regexFind "^--[a-z]+" .)) }}
{{- end }}
{{- end }}
{{- if and .service.nodePort (ne .service.type "NodePort") }}
{{- fail (printf "service.nodePort needs service.type=NodePort, not %s" .service.type) }}
{{- end }}
{{- if and .serve.grpc.enabled (eq (int .service.port) 8001) }}
{{- fail "service.port must not be 8001 while serve.grpc.enabled is set: that is the Service's port for gRPC" }}
{{- end }}
{{- if and .autoscaling.enabled (gt (int .autoscaling.minReplicas) (int .autoscaling.maxReplicas)) }}
{{- fail "autoscaling.minReplicas must not be above autoscaling.maxReplicas" }}
{{- end }}
{{- if and .autoscaling.enabled (not (dig "requests" "cpu" "" .serve.resources)) }}
{{- fail "autoscaling.enabled needs serve.resources.requests.cpu: the wanted use is a percentage of it" }}
{{- end }}
{{- if and .ingress.enabled (not .ingress.host) }}
{{- fail "ingress.enabled needs ingress.host" }}
{{- end }}
{{- if and .httpRoute.enabled (not .httpRoute.parentRefs) }}
{{- fail "httpRoute.enabled needs httpRoute.parentRefs: the gateway that takes it" }}
{{- end }}
{{- if and .serviceMonitor.enabled .podMonitor.enabled }}
{{- fail "serviceMonitor.enabled and podMonitor.enabled cannot be used at once: every pod would be read, and counted, twice" }}
{{- end }}
{{- if and .networkPolicy.enabled .serve.tracesEndpoint (not .networkPolicy.serveEgress) }}
{{- fail "serve.tracesEndpoint needs networkPolicy.serveEgress while networkPolicy.enabled is set: rules that let serving pods reach the collector and name resolution" }}
{{- end }}
{{- range $room := list "train" "serve" }}
{{- if eq (dig "image" "tag" "" (get $.Values $room)) "latest" }}
{{- fail (printf "%s.image.tag must not be latest: nodes would run different images under one name" $room) }}
{{- end }}
{{- end }}
{{- range $name, $_ := .serve.env }}
{{- if not (regexMatch "^(COPSE|OTEL)_[A-Z_]+$" $name) }}
{{- fail (printf "serve.env must hold settings of the server, whose names begin with COPSE_ or OTEL_, not %s" $name) }}
{{- end }}
{{- if has $name (list "COPSE_MODEL" "COPSE_POLL_SECONDS" "COPSE_DRAIN_SECONDS" "COPSE_SHUTDOWN_SECONDS" "COPSE_LOG_LEVEL" "COPSE_LOG_LEVEL_FILE" "COPSE_MODELS" "COPSE_HOST" "COPSE_PORT" "COPSE_TOKENS_FILE" "COPSE_TLS_CERTIFICATE" "COPSE_TLS_KEY" "COPSE_GRPC_PORT" "OTEL_EXPORTER_OTLP_ENDPOINT" "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" "OTEL_SERVICE_NAME" "OTEL_RESOURCE_ATTRIBUTES") }}
{{- fail (printf "serve.env must not hold %s: the chart sets it" $name) }}
{{- end }}
{{- end }}
{{- if and (hasKey .serve.env "COPSE_THREADS") (dig "limits" "cpu" "" .serve.resources) }}
{{- fail "serve.env must not hold COPSE_THREADS while serve.resources.limits.cpu is set: it follows the limit" }}
{{- end }}
{{- range $key := list "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component" }}
{{- if hasKey $.Values.podLabels $key }}
{{- fail (printf "podLabels must not hold %s: the Service finds its pods by it" $key) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

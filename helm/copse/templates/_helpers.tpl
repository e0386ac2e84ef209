{{/* Names */}}
{{- define "copse.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* At most 43 characters: a CronJob's name has 52 at most, and this one's ends in "-retrain". */}}
{{- define "copse.fullname" -}}
{{- $name := include "copse.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 43 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 43 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 43 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "copse.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "copse.fullname" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{- define "copse.claim" -}}
{{- .Values.persistence.existingClaim | default (printf "%s-models" (include "copse.fullname" .)) }}
{{- end }}

{{/* Labels. A selector can never be changed, so it holds no version. Takes (list . "serve"). */}}
{{- define "copse.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "copse.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "copse.labels" -}}
{{- $root := index . 0 -}}
{{ include "copse.selectorLabels" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: copse
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* An image's full name. Takes (list . .Values.serve.image). */}}
{{- define "copse.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- with $root.Values.image.registry }}{{ trimSuffix "/" . }}/{{ end }}
{{- $image.repository }}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag | default $root.Chart.AppVersion }}{{ end }}
{{- end }}

{{/* What the server speaks. */}}
{{- define "copse.scheme" -}}
{{- ternary "https" "http" (not (empty .Values.serve.tlsSecret)) }}
{{- end }}

{{/* The port of a Service through which pods are asked over gRPC: theirs, since a headless Service translates none. */}}
{{- define "copse.grpcPort" -}}
- name: grpc
  port: 8001
  targetPort: grpc
  protocol: TCP
  {{- if not .Values.serve.tlsSecret }}
  appProtocol: kubernetes.io/h2c
  {{- end }}
{{- end }}

{{- define "copse.sharedVolume" -}}
{{- if has "ReadWriteMany" .Values.persistence.accessModes }}true{{ end }}
{{- end }}

{{/* Where and how often Prometheus reads a pod. Takes (list . interval). */}}
{{- define "copse.metricsEndpoint" -}}
{{- $root := index . 0 -}}
port: http
path: /metrics
interval: {{ index . 1 }}
{{- if $root.Values.serve.tlsSecret }}
scheme: https
tlsConfig:
  insecureSkipVerify: true # pods are read by address, and the certificate has the Service's name
{{- end }}
{{- end }}

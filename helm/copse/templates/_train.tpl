{{/* The training Job's spec, also that of the CronJob's Jobs. Takes (list . further-arguments). */}}
{{- define "copse.trainSpec" -}}
{{- $root := index . 0 -}}
{{- with $root.Values.train -}}
backoffLimit: {{ .backoffLimit }}
activeDeadlineSeconds: {{ .activeDeadlineSeconds }}
podReplacementPolicy: Failed
podFailurePolicy:
  rules:
    - action: Ignore
      onPodConditions:
        - type: DisruptionTarget
          status: "True"
    - action: FailJob
      onExitCodes:
        containerName: train
        operator: In
        values: [2, 3]
template:
  metadata:
    {{- include "copse.podMetadata" (list $root "train") | nindent 4 }}
  spec:
    restartPolicy: Never
    {{- include "copse.podSpec" $root | nindent 4 }}
      {{- with include "copse.inputVolumes" . }}
      {{- trim . | nindent 6 }}
      {{- end }}
    containers:
      - name: train
        image: {{ include "copse.image" (list $root .image) }}
        imagePullPolicy: {{ $root.Values.image.pullPolicy }}
        args:
          - --name={{ $root.Values.model.name }}
          {{- if .codeConfigMap }}
          - --code=/code
          {{- end }}
          {{- range concat .args (index $ 1) }}
          - {{ . | quote }}
          {{- end }}
        {{- with .resources }}
        resources: {{- toYaml . | nindent 10 }}
        {{- end }}
        {{- include "copse.containerSecurity" $root | nindent 8 }}
        volumeMounts:
          - name: models
            mountPath: /models
          {{- if include "copse.dataSources" . }}
          - name: data
            mountPath: /data
            readOnly: true
          {{- end }}
          {{- if .codeConfigMap }}
          - name: code
            mountPath: /code
            readOnly: true
          {{- end }}
{{- end }}
{{- end }}

{{/* Where the data come from, of the three ways; takes .Values.train, as the next one does. */}}
{{- define "copse.dataSources" -}}
{{- range $source := list "existingClaim" "configMap" "secret" }}
{{- if get $.data $source }} train.data.{{ $source }}{{ end }}
{{- end }}
{{- end }}

{{/* What training reads, as volumes. */}}
{{- define "copse.inputVolumes" -}}
{{- if include "copse.dataSources" . }}
- name: data
  {{- with .data.existingClaim }}
  persistentVolumeClaim:
    claimName: {{ . }}
    readOnly: true
  {{- end }}
  {{- with .data.configMap }}
  configMap:
    name: {{ . }}
  {{- end }}
  {{- with .data.secret }}
  secret:
    secretName: {{ . }}
    defaultMode: 0440
  {{- end }}
{{- end }}
{{- with .codeConfigMap }}
- name: code
  configMap:
    name: {{ . }}
{{- end }}
{{- end }}

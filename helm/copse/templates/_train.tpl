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
    containers:
      - name: train
        image: {{ include "copse.image" (list $root .image) }}
        imagePullPolicy: {{ $root.Values.image.pullPolicy }}
        args:
          - --name={{ $root.Values.model.name }}
          - --trees={{ .trees | int64 }}
          - --seed={{ .seed | int64 }}
          {{- range concat .extraArgs (index $ 1) }}
          - {{ . | quote }}
          {{- end }}
        {{- with .resources }}
        resources: {{- toYaml . | nindent 10 }}
        {{- end }}
        {{- include "copse.containerSecurity" $root | nindent 8 }}
        volumeMounts:
          - name: models
            mountPath: /models
{{- end }}
{{- end }}

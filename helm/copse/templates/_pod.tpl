{{/* What serving and training pods have in common, in the pod's spec. */}}
{{- define "copse.podSpec" -}}
serviceAccountName: {{ include "copse.serviceAccountName" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{ include "copse.podSecurity" . }}
{{- if .Values.affinity }}
affinity: {{- toYaml .Values.affinity | nindent 2 }}
{{- else if not (include "copse.sharedVolume" .) }}
affinity:
  podAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      - topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            app.kubernetes.io/name: {{ include "copse.name" . }}
            app.kubernetes.io/instance: {{ .Release.Name }}
          matchExpressions:
            - key: app.kubernetes.io/component
              operator: In
              values: [train, serve]
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: models
    persistentVolumeClaim:
      claimName: {{ include "copse.claim" . }}
{{- end }}

{{- define "copse.podSecurity" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .Values.runAs }}
  runAsGroup: {{ .Values.runAs }}
  fsGroup: {{ .Values.runAs }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{- define "copse.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end }}

{{- define "copse.podMetadata" -}}
{{- $root := index . 0 -}}
labels:
  {{- include "copse.selectorLabels" . | nindent 2 }}
  {{- with $root.Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $root.Values.podAnnotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The secrets that the server reads, as volumes. Takes (list . "serve"); all but the server itself get no private key. */}}
{{- define "copse.secretVolumes" -}}
{{- with (index . 0).Values.serve }}
{{- with .tokensSecret }}
- name: tokens
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- with .tlsSecret }}
- name: tls
  secret:
    secretName: {{ . }}
    defaultMode: 0440
    {{- if ne (index $ 1) "serve" }}
    items:
      - key: tls.crt
        path: tls.crt
    {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Where they are mounted: whole folders, since the kubelet does not renew what is mounted by subPath. */}}
{{- define "copse.secretMounts" -}}
{{- with .Values.serve }}
{{- if .tokensSecret }}
- name: tokens
  mountPath: /etc/copse/tokens
  readOnly: true
{{- end }}
{{- if .tlsSecret }}
- name: tls
  mountPath: /etc/copse/tls
  readOnly: true
{{- end }}
{{- end }}
{{- end }}

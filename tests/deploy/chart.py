"""Keys of Airflow's Helm chart, written down while its values.yaml and values.schema.json were read.

The state that was read is that of June 2026, after 1.22.0. ``CHECKED`` has the paths that deploy/kubernetes uses, each
seen in that values.yaml and not marked as deprecated there. What lies below a path of ``FREE`` is Kubernetes' own, or
Airflow's configuration, or names of ours.
"""

FREE = frozenset(
    {
        "config",
        "env",
        "secret",
        "extraEnv",
        "volumes",
        "volumeMounts",
        "securityContexts.pod",
        "securityContexts.containers",
        "workers.celery.sets",
        "redis.securityContexts.pod",
        "redis.securityContexts.container",
        "apiServer.networkPolicy.ingress.from",
    }
)

ROOT = [
    "airflowHome",
    "airflowVersion",
    "allowPodLaunching",
    "apiSecretKeySecretName",
    "config",
    "defaultAirflowRepository",
    "defaultAirflowTag",
    "env",
    "executor",
    "extraEnv",
    "fernetKeySecretName",
    "gid",
    "jwtSecretName",
    "secret",
    "uid",
    "volumeMounts",
    "volumes",
]

SECTIONS = {
    "apiServer": (
        "allowPodLogReading args env networkPolicy.ingress.from resources serviceAccount.automountServiceAccountToken"
    ),
    "apiServer.livenessProbe": "failureThreshold periodSeconds timeoutSeconds",
    "apiServer.startupProbe": "failureThreshold periodSeconds timeoutSeconds",
    "createUserJob": "enabled",
    "dagProcessor": "args logGroomerSidecar.enabled resources serviceAccount.automountServiceAccountToken",
    "dagProcessor.livenessProbe": "command failureThreshold initialDelaySeconds periodSeconds timeoutSeconds",
    "data": "brokerUrlSecretName metadataSecretName",
    "enableBuiltInSecretEnvVars": "AIRFLOW_CONN_AIRFLOW_DB",
    "images": "airflow.repository airflow.tag migrationsWaitTimeout pod_template.repository pod_template.tag",
    "logs.persistence": "enabled existingClaim",
    "migrateDatabaseJob": "args env resources serviceAccount.automountServiceAccountToken",
    "networkPolicies": "enabled",
    "postgresql": "enabled",
    "redis": (
        "passwordSecretName persistence.enabled resources securityContexts.container securityContexts.pod "
        "serviceAccount.automountServiceAccountToken terminationGracePeriodSeconds uid"
    ),
    "scheduler": (
        "args logGroomerSidecar.enabled resources serviceAccount.automountServiceAccountToken "
        "terminationGracePeriodSeconds"
    ),
    "scheduler.livenessProbe": "command failureThreshold periodSeconds timeoutSeconds",
    "scheduler.startupProbe": "command failureThreshold periodSeconds timeoutSeconds",
    "securityContexts": "containers pod",
    "statsd": "enabled",
    "triggerer": (
        "args logGroomerSidecar.enabled persistence.enabled resources serviceAccount.automountServiceAccountToken"
    ),
    "triggerer.livenessProbe": "command failureThreshold initialDelaySeconds periodSeconds timeoutSeconds",
    "workers.celery": (
        "args logGroomerSidecar.enabled persistence.enabled replicas resources safeToEvict "
        "serviceAccount.automountServiceAccountToken sets terminationGracePeriodSeconds"
    ),
    "workers.celery.livenessProbe": "command failureThreshold initialDelaySeconds periodSeconds timeoutSeconds",
    "workers.kubernetes": (
        "resources safeToEvict serviceAccount.automountServiceAccountToken serviceAccount.create "
        "terminationGracePeriodSeconds"
    ),
}

CHECKED = frozenset(ROOT) | {f"{section}.{key}" for section, keys in SECTIONS.items() for key in keys.split()}

SET_KEYS = {"args", "env", "name", "nodeSelector", "queue", "replicas", "resources", "tolerations"}
"""What an item of ``workers.celery.sets`` has here: a name, and keys of ``workers.celery``."""

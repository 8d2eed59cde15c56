"""`metadata`: intake-to-documents.md 4.2."""

from __future__ import annotations

from tidegate.workers.decode import model, rules
from tidegate.workers.decode.fields import integer, labels, nested, text, texts
from tidegate.workers.decode.rules import Table
from tidegate.workers.decode.shared_rules import USER

_SERVICE = Table(
    "v2.metadataService",
    model.MetadataService,
    nested(
        "agent",
        Table(
            "v2.metadataServiceAgent",
            model.MetadataAgent,
            text("activation_method", 1024),
            text("ephemeral_id", 1024),
            text("name", 1024, rules.not_empty, required=True),
            text("version", 1024, required=True),
        ),
        required=True,
    ),
    text("environment", 1024),
    nested(
        "framework", Table("v2.metadataServiceFramework", model.NameVersion, text("name", 1024), text("version", 1024))
    ),
    text("id"),
    nested(
        "language",
        Table("v2.metadataServiceLanguage", model.Language, text("name", 1024, required=True), text("version", 1024)),
    ),
    text("name", 1024, rules.not_empty, rules.service_name, required=True),
    nested("node", Table("v2.metadataServiceNode", model.Node, text("configured_name", 1024, go="Name"))),
    nested(
        "runtime",
        Table(
            "v2.metadataServiceRuntime",
            model.Runtime,
            text("name", 1024, required=True),
            text("version", 1024, required=True),
        ),
    ),
    text("version", 1024),
)

_CLOUD = Table(
    "v2.metadataCloud",
    model.Cloud,
    nested("account", Table("v2.metadataCloudAccount", model.IdName, text("id", 1024), text("name", 1024))),
    text("availability_zone", 1024),
    nested("instance", Table("v2.metadataCloudInstance", model.IdName, text("id", 1024), text("name", 1024))),
    nested("machine", Table("v2.metadataCloudMachine", model.Machine, text("type", 1024))),
    nested("project", Table("v2.metadataCloudProject", model.IdName, text("id", 1024), text("name", 1024))),
    text("provider", 1024, required=True),
    text("region", 1024),
    nested("service", Table("v2.metadataCloudService", model.CloudService, text("name", 1024))),
)

_SYSTEM = Table(
    "v2.metadataSystem",
    model.System,
    text("architecture", 1024),
    text("configured_hostname", 1024),
    nested("container", Table("v2.metadataSystemContainer", model.Container, text("id", 1024))),
    text("detected_hostname", 1024),
    text("hostname", 1024, go="DeprecatedHostname"),
    nested(
        "kubernetes",
        Table(
            "v2.metadataSystemKubernetes",
            model.Kubernetes,
            text("namespace", 1024),
            nested("node", Table("v2.metadataSystemKubernetesNode", model.KubernetesNode, text("name", 1024))),
            nested("pod", Table("v2.metadataSystemKubernetesPod", model.Pod, text("name", 1024), text("uid", 1024))),
        ),
    ),
    text("platform", 1024),
    text("host_id", 1024),
)

_NETWORK = Table(
    "v2.network",
    model.Network,
    nested("connection", Table("v2.networkConnection", model.Connection, text("type", 1024))),
)

_PROCESS = Table(
    "v2.metadataProcess",
    model.Process,
    text("title", 1024),
    integer("pid", required=True),
    integer("ppid"),
    texts("argv"),
)

METADATA = Table(
    "v2.metadata",
    model.Metadata,
    labels("labels"),
    nested("service", _SERVICE, required=True),
    nested("cloud", _CLOUD),
    nested("system", _SYSTEM),
    nested("user", USER),
    nested("network", _NETWORK),
    nested("process", _PROCESS),
)

"""What metadata puts on every event of a stream: intake-to-documents.md 4.2, before the enrichments of 5.1."""

from __future__ import annotations

from typing import Any

from tidegate.workers.decode.model import Cloud, Kubernetes, Metadata, MetadataService, Process, System
from tidegate.workers.mapping.integers import U32
from tidegate.workers.mapping.labels import split_labels
from tidegate.workers.mapping.user import map_user


def written(**fields: Any) -> dict[str, Any]:
    """The fields that are not omitted: section 11."""
    return {name: value for name, value in fields.items() if value}


def map_metadata(metadata: Metadata) -> dict[str, Any]:
    """The document part of a metadata line."""
    document: dict[str, Any] = {"agent": _agent(metadata.service), "service": _service(metadata.service)}
    if metadata.system:
        document.update(_system(metadata.system))
    if metadata.process:
        document["process"] = _process(metadata.process)
    if metadata.cloud:
        document.update(written(cloud=_cloud(metadata.cloud)))
    if metadata.user and (user := map_user(metadata.user)) is not None:
        document["user"] = user
    connection = metadata.network and metadata.network.connection
    if connection and connection.type:
        document["network"] = {"connection": {"type": connection.type}}
    texts: dict[str, Any] = {}
    numbers: dict[str, Any] = {}
    split_labels(metadata.labels or {}, texts, numbers)
    document.update(written(labels=texts, numeric_labels=numbers))
    return document


def _agent(service: MetadataService) -> dict[str, Any]:
    agent = service.agent
    return written(
        activation_method=agent.activation_method,
        ephemeral_id=agent.ephemeral_id,
        name=agent.name,
        version=agent.version,
    )


def _service(service: MetadataService) -> dict[str, Any]:
    mapped = written(name=service.name, version=service.version, environment=service.environment)
    for name, part in (("framework", service.framework), ("language", service.language), ("runtime", service.runtime)):
        if part is not None and (part.name is not None or part.version is not None):
            mapped[name] = written(name=part.name, version=part.version)
    if service.node and service.node.configured_name:
        mapped["node"] = {"name": service.node.configured_name}
    return mapped


def _system(system: System) -> dict[str, Any]:
    deprecated = system.hostname if system.configured_hostname is None and system.detected_hostname is None else None
    hostname = deprecated if system.detected_hostname is None else system.detected_hostname
    sent = (system.architecture, system.configured_hostname, hostname, system.platform, system.host_id)
    mapped = written(
        container=written(id=system.container.id) if system.container else None,
        kubernetes=_kubernetes(system.kubernetes) if system.kubernetes else None,
    )
    if any(value is not None for value in sent):
        mapped["host"] = written(
            architecture=system.architecture,
            name=system.configured_hostname,
            hostname=hostname,
            os=written(platform=system.platform),
            id=system.host_id,
        )
    return mapped


def _kubernetes(kubernetes: Kubernetes) -> dict[str, Any]:
    node, pod = kubernetes.node, kubernetes.pod
    return written(
        namespace=kubernetes.namespace,
        node=written(name=node.name) if node else None,
        pod=written(name=pod.name, uid=pod.uid) if pod else None,
    )


def _process(process: Process) -> dict[str, Any]:
    return written(
        pid=process.pid & U32,
        title=process.title,
        args=process.argv,
        parent=written(pid=(process.ppid or 0) & U32),
    )


def _cloud(cloud: Cloud) -> dict[str, Any]:
    account, instance, project = cloud.account, cloud.instance, cloud.project
    return written(
        account=written(id=account.id, name=account.name) if account else None,
        availability_zone=cloud.availability_zone,
        instance=written(id=instance.id, name=instance.name) if instance else None,
        machine=written(type=cloud.machine.type) if cloud.machine else None,
        project=written(id=project.id, name=project.name) if project else None,
        provider=cloud.provider,
        region=cloud.region,
        service=written(name=cloud.service.name) if cloud.service else None,
    )

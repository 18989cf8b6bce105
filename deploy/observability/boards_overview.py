"""What is asked first, and what runs behind requests: overview, outbox, jobs."""

from deploy.observability.panels import (
    BYTES,
    COUNT,
    RATE,
    SECONDS,
    SHARE,
    Board,
    Panel,
    rate_of,
    slowest,
)

_HTTP = "mithril_http_requests_total"
_TOOK = "mithril_http_request_duration_seconds"
_FAILED = 'status=~"5.."'
_GOOD = "Nothing is wrong."

OVERVIEW = Board(
    uid="mithril-overview",
    title="Mithril: overview",
    description="Is anything wrong, and where? The other dashboards say why.",
    panels=(
        Panel(
            title="Which processes answer?",
            unit=COUNT,
            description="Replicas that Prometheus reaches, by service.",
            query='sum by (service) (up{job="mithril"})',
            legend="{{service}}",
        ),
        Panel(
            title="How much is asked of each service?",
            unit=RATE,
            description="Requests a second on the public listeners.",
            query=rate_of(_HTTP, "service", where='listener="public"'),
            legend="{{service}}",
        ),
        Panel(
            title="What share of requests fails?",
            unit=SHARE,
            description="Answers of 5xx among all of a service. The objective tolerates 0.1 %.",
            query=(
                f"{rate_of(_HTTP, 'service', where=_FAILED)} / {rate_of(_HTTP, 'service')}"
            ),
            legend="{{service}}",
            empty=_GOOD,
        ),
        Panel(
            title="How long do the slowest wait?",
            unit=SECONDS,
            description="The 99th percentile of public requests, by service.",
            query=slowest(_TOOK, "service", where='listener="public"'),
            legend="{{service}}",
        ),
        Panel(
            title="Which alerts are firing?",
            unit=COUNT,
            description="Of rules.yaml. The runbook has each under its name.",
            query='count by (alertname, severity) (ALERTS{alertstate="firing"})',
            legend="{{alertname}} ({{severity}})",
            empty=_GOOD,
        ),
        Panel(
            title="How old is the oldest event that Kafka has not got?",
            unit=SECONDS,
            description="By outbox. Requests are not affected; the audit log is late.",
            query="max by (service) (mithril_outbox_oldest_age_seconds)",
            legend="{{service}}",
        ),
        Panel(
            title="How much memory do they take?",
            unit=BYTES,
            description="Resident memory; limits are in the manifests.",
            query='max by (service) (process_resident_memory_bytes{job="mithril"})',
            legend="{{service}}",
        ),
        Panel(
            title="How much processor time do they take?",
            unit=SHARE,
            description="Of one processor. Each process is one thread's work.",
            query=rate_of("process_cpu_seconds_total", "service", where='job="mithril"'),
            legend="{{service}}",
        ),
    ),
)

OUTBOX = Board(
    uid="mithril-outbox",
    title="Mithril: outbox",
    description="What is committed and not in Kafka yet.",
    panels=(
        Panel(
            title="How many events wait?",
            unit=COUNT,
            description="Committed and not acknowledged.",
            query="max by (service) (mithril_outbox_waiting)",
            legend="{{service}}",
        ),
        Panel(
            title="How old is the oldest?",
            unit=SECONDS,
            description="Above a minute an alert fires.",
            query="max by (service) (mithril_outbox_oldest_age_seconds)",
            legend="{{service}}",
        ),
        Panel(
            title="How many leave?",
            unit=RATE,
            description="Events a second that Kafka acknowledged.",
            query=rate_of("mithril_outbox_published_total", "service"),
            legend="{{service}}",
        ),
        Panel(
            title="Who publishes?",
            unit=COUNT,
            description="1 for each outbox: the replica that leads.",
            query="sum by (service) (mithril_outbox_leading)",
            legend="{{service}}",
        ),
        Panel(
            title="How often does the relay fail?",
            unit=RATE,
            description="Attempts that are made again.",
            query=rate_of("mithril_outbox_failures_total", "service"),
            legend="{{service}}",
        ),
        Panel(
            title="Are days kept past their retention?",
            unit=COUNT,
            description="They hold events that Kafka has not acknowledged.",
            query="max by (service) (mithril_outbox_partitions_kept)",
            legend="{{service}}",
        ),
    ),
)

SCHEDULER = Board(
    uid="mithril-scheduler",
    title="Mithril: jobs",
    description="What runs by the clock, and whether it did.",
    panels=(
        Panel(
            title="How long ago did each job end well?",
            unit=SECONDS,
            description="Over all replicas. What is too long is in the runbook, MithrilJobLate.",
            query=(
                "time() - max by (job_name) "
                "(max_over_time(mithril_job_last_success_timestamp_seconds[2d]))"
            ),
            legend="{{job_name}}",
        ),
        Panel(
            title="How do runs end?",
            unit=COUNT,
            description="In the last hour. `elsewhere`: another replica did it.",
            query="sum by (job_name, outcome) (increase(mithril_job_runs_total[1h]))",
            legend="{{job_name}}: {{outcome}}",
        ),
        Panel(
            title="How long do they take?",
            unit=SECONDS,
            description="The slowest runs of the last hour.",
            query=(
                "histogram_quantile(0.99, sum by (job_name, le) "
                "(rate(mithril_job_duration_seconds_bucket[1h])))"
            ),
            legend="{{job_name}}",
        ),
        Panel(
            title="How much do they do?",
            unit=COUNT,
            description="Tokens, codes, partitions, runs in the last hour.",
            query="sum by (job_name) (increase(mithril_job_affected_total[1h]))",
            legend="{{job_name}}",
        ),
        Panel(
            title="How many client secrets end soon?",
            unit=COUNT,
            description="Those that have none after them; each was told of by an event.",
            query="max by (service) (mithril_connection_secrets_expiring)",
            legend="{{service}}",
        ),
        Panel(
            title="Did rows wait for a partition?",
            unit=COUNT,
            description="Moved in the last hour, by table: the scheduler had come too late.",
            query="sum by (table) (increase(mithril_partition_rows_repaired_total[1h]))",
            legend="{{table}}",
            empty=_GOOD,
        ),
    ),
)

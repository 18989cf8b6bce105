"""The ladders: which neighbours are tried, in which order."""

from tests.neighbours.engine import require_docker_engine
from tests.neighbours.given import given_by
from tests.neighbours.kafka.apache import apache_kafka
from tests.neighbours.kafka.mock import mock_kafka
from tests.neighbours.ladder import Broker, Ladder, Neighbour, Offer
from tests.neighbours.postgres import embedded_postgres


def postgres_ladder() -> Ladder[Neighbour]:
    """Find the PostgreSQL of a session."""
    given = given_by("MITHRIL_TEST_POSTGRES_URL")
    return Ladder("PostgreSQL", [given, _postgres_in_docker, embedded_postgres])


def kafka_ladder() -> Ladder[Neighbour]:
    """Find the Kafka of a session."""
    given = given_by("MITHRIL_TEST_KAFKA")
    return Ladder("Kafka", [given, _kafka_in_docker, apache_kafka, mock_kafka])


def own_kafka_ladder() -> Ladder[Broker]:
    """Find a Kafka which a test may take away: never one that is someone else's."""
    return Ladder("Kafka of one's own", [_kafka_in_docker, apache_kafka, mock_kafka])


def _postgres_in_docker() -> Offer[Neighbour]:
    require_docker_engine()
    from tests.neighbours.docker import postgres_in_docker

    return postgres_in_docker()


def _kafka_in_docker() -> Offer[Broker]:
    require_docker_engine()
    from tests.neighbours.docker import kafka_in_docker

    return kafka_in_docker()

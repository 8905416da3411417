"""The API does what its OpenAPI document says, whatever it is asked (schemathesis)."""

from http import HTTPStatus
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.checks import CHECKS, CheckFunction, load_all_checks
from schemathesis.core.result import Ok
from schemathesis.openapi import from_asgi

from cloud.composition import Cloud

load_all_checks()
HELD = cast(
    "list[CheckFunction]",
    CHECKS.get_by_names(
        [
            "status_code_conformance",
            "content_type_conformance",
            "response_schema_conformance",
            "negative_data_rejection",
            "ignored_auth",
        ]
    ),
)
EXAMPLES = 5


def test_every_operation_answers_as_documented(
    cloud: Cloud, operator: dict[str, str], subtests: pytest.Subtests
) -> None:
    schema = from_asgi("/openapi.json", cloud.api, headers=operator)
    operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    assert len(operations) > 25
    for operation in operations:

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def answers(case: Case[Any]) -> None:
            response = case.call(headers=operator)
            assert response.status_code != HTTPStatus.INTERNAL_SERVER_ERROR, response.text
            case.validate_response(response, checks=HELD, headers=operator)

        with subtests.test(operation.label):
            answers()

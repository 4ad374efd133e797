"""Docker's own daemon runs what podman runs: the same tests, with its engine in podman's place (AZ-32, AZ-131)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.machines.docker import Docker, docker
from tests.machines.ground import Ground, ground, untagged
from tests.machines.podman import SYSTEM, build_of, examine, known_images
from tests.machines.test_container_images import (
    test_a_dockerfile_that_fails_says_its_step,
    test_an_image_from_a_dockerfile_is_built_once_for_two,
    test_an_image_that_cannot_be_had_is_named,
)
from tests.machines.test_container_runs import (
    test_a_cancel_ends_all_ranks_in_it,
    test_its_data_is_at_the_same_paths_and_cannot_be_written_to,
    test_mlflows_endpoint_is_reached_from_inside,
    test_ranks_meet_in_one_container,
)
from tests.machines.test_containers import (
    records,
    test_a_container_that_somebody_kills,
    test_a_network_of_its_own,
    test_an_engine_that_dies_leaves_no_container,
    test_an_image_without_a_shell,
    test_an_image_without_the_program,
    test_cancel_tells_everything_in_it_then_kills_it,
    test_exit_codes_are_the_commands,
    test_secrets_are_in_no_argv_and_no_file,
    test_setup_lines_run_inside,
    test_shared_memory_as_asked,
    test_ten_megabytes_arrive_whole,
    test_the_limit_of_a_containers_memory_is_told,
    test_what_a_run_finds_in_its_container,
    test_what_an_engine_does_not_know_is_said,
    test_what_its_processes_use_is_counted,
    test_whoever_is_killed_the_container_is_removed,
)
from workbench.remote.containers.doctor import judge_containers

__all__ = [
    "docker", "ground", "known_images", "test_a_cancel_ends_all_ranks_in_it",
    "test_a_container_that_somebody_kills", "test_a_dockerfile_that_fails_says_its_step",
    "test_a_network_of_its_own", "test_an_engine_that_dies_leaves_no_container",
    "test_an_image_from_a_dockerfile_is_built_once_for_two", "test_an_image_that_cannot_be_had_is_named",
    "test_an_image_without_a_shell", "test_an_image_without_the_program",
    "test_cancel_tells_everything_in_it_then_kills_it", "test_exit_codes_are_the_commands",
    "test_its_data_is_at_the_same_paths_and_cannot_be_written_to",
    "test_mlflows_endpoint_is_reached_from_inside", "test_ranks_meet_in_one_container",
    "test_secrets_are_in_no_argv_and_no_file", "test_setup_lines_run_inside", "test_shared_memory_as_asked",
    "test_ten_megabytes_arrive_whole", "test_the_limit_of_a_containers_memory_is_told",
    "test_what_a_run_finds_in_its_container", "test_what_an_engine_does_not_know_is_said",
    "test_what_its_processes_use_is_counted", "test_whoever_is_killed_the_container_is_removed", "untagged",
]  # fmt: skip
pytestmark = pytest.mark.usefixtures("known_images")


@pytest.fixture(scope="module")
def podman(docker: Docker) -> Docker:
    """Docker, where the tests ask for the engine."""
    return docker


@pytest.fixture(scope="module")
def examined(docker: Docker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A machine's environments of its images."""
    return examine(docker, tmp_path_factory.mktemp("examined"))


def test_the_record_says_which_engine_it_was(ground: Ground, docker: Docker) -> None:
    """AZ-134: docker and its version, and the image by its id."""
    run = ground.submit(["python", "-c", "1"], environment_build=build_of(docker, SYSTEM))
    ground.wait(run)
    told = {one["n"]: one["v"] for one in records(ground, run) if one["k"] == "property"}
    assert told["container_engine"].startswith("docker ")
    assert told["container_image_id"] == docker.ask("image", "inspect", "--format", "{{.Id}}", SYSTEM).strip()


def test_the_doctor_runs_a_container_by_docker(docker: Docker) -> None:
    line = judge_containers(docker.command)
    assert (line["state"], "runs containers, as root's daemon" in line["text"]) == ("ok", True), line

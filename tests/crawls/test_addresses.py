"""A crawl sends no request to this machine unless a setting names the address."""

from tests.conftest import Start
from tests.hubs import Hubs


def test_a_listing_that_is_redirected_to_this_machine(
    hubs: Hubs, crawl: Start, other_server: tuple[str, list[str]]
) -> None:
    url, asked = other_server
    hubs.faults.add("^/api/models", status=302, headers={"Location": f"{url}/latest/meta-data"})
    ended = crawl("huggingface", fraction=0)
    assert ended.status == 1
    assert any("is on this machine or a private network" in error for error in ended.errors)
    assert asked == []


def test_a_listing_that_is_redirected_to_another_host_of_the_hub(hubs: Hubs, crawl: Start) -> None:
    other = hubs.url.replace("127.0.0.1", "localhost")
    hubs.faults.add("^/api/models", status=307, headers={"Location": f"{other}/api/models?limit=1000"}, times=1)
    ended = crawl("huggingface", fraction=0, HUGGINGFACE_TOKEN="hf_secret", MODELZOO_URL=other)
    assert (ended.status, len(ended.records)) == (0, 60)
    there = other.removeprefix("http://")
    assert ended.log.count(f"{hubs.url} redirects to {there}, which does not get the token") == 1
    first, second = hubs.asked("^/api/models")
    assert first.headers["Authorization"] == "Bearer hf_secret"
    assert "Authorization" not in second.headers

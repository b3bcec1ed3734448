"""Who comes first on a device that is the bottleneck, seen by its callers."""

from flights import big, flying, state, thumbnail
from wire import grpc, until

from darkroom.server import Server


def test_reports_say_that_the_device_is_simulated(simulated: Server) -> None:
    assert grpc(simulated, thumbnail()).report["simulated"] is True
    assert grpc(simulated, thumbnail(quote=True)).report["simulated"] is True


def test_a_thumbnail_passes_large_photos(simulated: Server) -> None:
    photos = [big() for _ in range(3)]
    with flying(simulated, *photos) as answers:
        until(lambda: state(simulated, photos[0].id)["units_done"])
        assert grpc(simulated, thumbnail()).image
        assert [answer.done() for answer in answers] == [False, False, False]


def test_a_thumbnail_waits_a_few_batches_and_not_a_photo(simulated: Server) -> None:
    photos = [big() for _ in range(3)]
    with flying(simulated, *photos):
        until(lambda: state(simulated, photos[0].id)["units_done"])
        before = sum(state(simulated, photo.id)["units_done"] for photo in photos)
        assert grpc(simulated, thumbnail()).image
        done = sum(state(simulated, photo.id)["units_done"] for photo in photos) - before
        whole = state(simulated, photos[0].id)["units_total"]
    assert done < whole / 2  # a few batches of 2 large tiles, and what the board was late


def test_a_stream_of_thumbnails_does_not_stop_a_large_photo(simulated: Server) -> None:
    photo = big()
    with flying(simulated, photo):
        for _ in range(2):
            before = state(simulated, photo.id)["units_done"]
            while state(simulated, photo.id)["units_done"] == before:
                assert grpc(simulated, thumbnail()).image


def test_bulk_work_goes_on_beside_interactive_work(simulated: Server) -> None:
    bulk, interactive = big(lane="bulk"), big()
    with flying(simulated, bulk, interactive):
        first = until(lambda: state(simulated, bulk.id)["units_done"])
        until(lambda: state(simulated, bulk.id)["units_done"] > first)
        assert state(simulated, bulk.id)["lane"] == "bulk"
        assert state(simulated, interactive.id)["state"] == "running"

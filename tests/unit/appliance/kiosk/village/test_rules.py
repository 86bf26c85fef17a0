"""What can be said about the village."""

import dataclasses

import pytest

from appliance.core.config.village import Timezone, Village
from appliance.kiosk.village.rules import people_per_square_kilometre

VILLAGE = Village("Sukamaju", "51.03.01.2001", "Kuta", "Kabupaten Badung", "Bali", Timezone.WITA)


@pytest.mark.parametrize(
    ("population", "hectares", "density"), [(4210, 640, 658), (1, 3_000_000, 0), (None, 640, None), (4210, None, None)]
)
def test_density(population: int | None, hectares: int | None, density: int | None) -> None:
    village = dataclasses.replace(VILLAGE, population=population, area_hectares=hectares)
    assert people_per_square_kilometre(village) == density

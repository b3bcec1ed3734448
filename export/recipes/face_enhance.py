"""Face enhancement: MTCNN finds the faces, Real-ESRGAN (or a restorer that the user brings) restores their crops, SPAN
enlarges what lies around them."""

from export.detectors import detector
from export.recipe import Plan, Recipe
from export.recipes.super_resolution import REALESRGAN_X4PLUS, SPAN_X2, SPAN_X4

MTCNN = (
    detector("mtcnn_pnet", "PNet", ("score", "offsets"), side=None),
    detector("mtcnn_rnet", "RNet", ("score", "offsets"), side=24),
    detector("mtcnn_onet", "ONet", ("score", "offsets", "landmarks"), side=48),
)

RECIPE = Recipe(
    task="face_enhance",
    summary="find faces, restore them and blend them back",
    plan=lambda _: Plan(networks=(*MTCNN, REALESRGAN_X4PLUS, SPAN_X2, SPAN_X4)),
)

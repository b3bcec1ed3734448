"""Finding, aligning and blending back faces: pure functions over arrays, no network and no engine.

The steps, in the order `darkroom.pipelines.face_enhance` takes them; where a network runs in between, the pipeline
awaits it::

    area       the picture as an integral image: pyramid levels and small crops by exact area averaging
    pyramid    which sizes the first network looks at, and the fixed-shape tiles they are cut into
    boxes      overlap, suppression, regression and squaring of boxes
    detection  what the three networks' outputs mean: candidates, boxes, landmarks, faces
    alignment  five landmarks -> similarity transform into the crop a restoration network was trained on
    warp       the picture through such a transform, both ways, without aliasing
    tone       the original's light and colour on the restored crop
    paste      the restored crop back into the picture, under a soft mask

Coordinates everywhere are continuous pixels: x grows to the right, y down, and pixel i covers [i, i + 1), so a
picture scaled by k simply has k times the coordinates. Boxes are float32 `[n, 4]`: left, top, right, bottom.
"""

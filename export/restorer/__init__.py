"""A face restorer that the user brings: recognised, refused where it is unknown or unsafe, measured, and given the same
coat as every other network.

    source      which kind of file it is
    checkpoint  a checkpoint that spandrel recognises, exported to ONNX
    signature   what an ONNX file takes and gives
    coat        uint8 pictures around it, whatever range and layout it works in
    probe       is it a face restorer? what does it gain, what does it cost, may it be batched?
    entry       all of this as one network of the recipe
"""

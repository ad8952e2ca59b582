"""Names of Hugging Face that exports need: which hub of a tree holds which of its listings, and its frameworks."""

# The hubs of a tree whose objects are Hugging Face's, by the name that hub-stats gives to their table.
LISTINGS = {
    "models": ("huggingface", "hf_metadata.json"),
    "datasets": ("huggingface_datasets", "hfd_metadata.json"),
    "spaces": ("huggingface_spaces", "hfs_metadata.json"),
}
URL = "https://huggingface.co"

# Tags that name a framework: https://huggingface.co/docs/hub/models-libraries
FRAMEWORKS = frozenset(
    {
        *("pytorch", "tf", "jax", "onnx", "tflite", "keras", "tf-keras", "coreml", "openvino", "rust", "gguf"),
        *("paddlepaddle", "mlx", "mindspore", "flax", "tensorrt", "executorch", "nemo"),
    }
)

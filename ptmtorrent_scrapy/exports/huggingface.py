"""Names of Hugging Face for exports: which hub of a tree has which listing, and tags of frameworks."""

# The hubs of a tree with Hugging Face's objects, by the name of their table in hub-stats.
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

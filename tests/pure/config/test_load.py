"""The door: what comes in, what comes out."""

from trident.config.load import load_host_configuration

SMALL = """
image: {url: http://127.0.0.1/v1.cosi, sha384: ignored}
"""


def test_a_configuration_is_read_into_the_model():
    assert load_host_configuration(SMALL, "small.yaml").image.url == "http://127.0.0.1/v1.cosi"

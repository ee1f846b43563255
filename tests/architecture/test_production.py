"""What the production files promise each other."""

from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_web_service_believes_its_proxy_which_alone_can_reach_it():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    web = services["web"]
    assert web["environment"]["FORWARDED_ALLOW_IPS"] == "*"
    assert web["environment"]["PUBLIC_URL"] == services["migrate"]["environment"]["PUBLIC_URL"]
    assert all(port.startswith("127.0.0.1:") for port in web["ports"])
    assert "--proxy-headers" in (ROOT / "Dockerfile").read_text()
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in (ROOT / "docs" / "operations.md").read_text()

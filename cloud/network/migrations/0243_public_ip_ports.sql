CREATE INDEX public_ips_port ON public_ips (port) WHERE port <> '';

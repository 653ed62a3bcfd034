/* SPDX-License-Identifier: Apache-2.0 */
/* Each family as it is written, of the values that test_metrics.c makes up. */
#ifndef TESTS_AGENT_METRICS_FAMILIES_H
#define TESTS_AGENT_METRICS_FAMILIES_H

#define KUBIA "{namespace=\"default\",service=\"kubia\",port=\"80\",protocol=\"TCP\""
#define ODD "{namespace=\"a\\\\b\",service=\"a\\\"b\\nc\",port=\"53\",protocol=\"UDP\""
#define POD "{namespace=\"default\",pod=\"kubia-1\",container=\"web\",probe=\"readiness\""
#define BUCKET(name, le, n) "lbctl_" name "_bucket{le=\"" le "\"} " n "\n"
#define HISTOGRAM(name, first, n)     \
	BUCKET(name, "0.0001", first) \
	BUCKET(name, "0.00025", n)    \
	BUCKET(name, "0.0005", n)     \
	BUCKET(name, "0.001", n)      \
	BUCKET(name, "0.0025", n)     \
	BUCKET(name, "0.005", n)      \
	BUCKET(name, "0.01", n)       \
	BUCKET(name, "0.025", n)      \
	BUCKET(name, "0.05", n)       \
	BUCKET(name, "0.1", n)        \
	BUCKET(name, "0.25", n)       \
	BUCKET(name, "0.5", n)        \
	BUCKET(name, "1", n)          \
	BUCKET(name, "2.5", n)        \
	BUCKET(name, "5", n)          \
	BUCKET(name, "10", n)
#define NO_RULE "{namespace=\"\",ingress=\"\",service=\"\""
#define RULE "{namespace=\"default\",ingress=\"kubia\",service=\"kubia-nodeport\""
#define BY_HAND "{namespace=\"default\",service=\"old\",endpoint=\"192.0.2.7\",probe=\"readiness\""

static const struct {
	const char *family, *series;
} families[] = {
	{ "build_info", "lbctl_build_info{version=\"v1\"} 1\n" },
	{ "attached", "lbctl_attached 1\n" },
	{ "sync_total", "lbctl_sync_total 7\n" },
	{ "sync_errors_total", "lbctl_sync_errors_total 2\n" },
	{ "sync_operations_total", "lbctl_sync_operations_total 11\n" },
	{ "sync_last_success_timestamp_seconds",
	  "lbctl_sync_last_success_timestamp_seconds 1764400000\n" },
	{ "sync_duration_seconds",
	  HISTOGRAM("sync_duration_seconds", "1",
		    "2") "lbctl_sync_duration_seconds_bucket{le=\"+Inf\"} 3\n"
			 "lbctl_sync_duration_seconds_sum 11.000201\n"
			 "lbctl_sync_duration_seconds_count 3\n" },
	{ "services", "lbctl_services 3\n" },
	{ "backends", "lbctl_backends 4\n" },
	{ "api_last_contact_timestamp_seconds",
	  "lbctl_api_last_contact_timestamp_seconds 1764400001\n" },
	{ "api_synced", "lbctl_api_synced{kind=\"services\"} 1\n"
			"lbctl_api_synced{kind=\"endpointslices\"} 0\n" },
	{ "api_objects", "lbctl_api_objects{kind=\"services\"} 4\n"
			 "lbctl_api_objects{kind=\"endpointslices\"} 0\n" },
	{ "api_lists_total", "lbctl_api_lists_total{kind=\"services\"} 1\n"
			     "lbctl_api_lists_total{kind=\"endpointslices\"} 6\n" },
	{ "api_events_total", "lbctl_api_events_total{kind=\"services\"} 50\n"
			      "lbctl_api_events_total{kind=\"endpointslices\"} 0\n" },
	{ "api_errors_total", "lbctl_api_errors_total{kind=\"services\"} 3\n"
			      "lbctl_api_errors_total{kind=\"endpointslices\"} 6\n" },
	{ "api_unreadable_total", "lbctl_api_unreadable_total{kind=\"services\"} 1\n"
				  "lbctl_api_unreadable_total{kind=\"endpointslices\"} 0\n" },
	{ "service_endpoints", "lbctl_service_endpoints" ODD "} 0\n"
			       "lbctl_service_endpoints" KUBIA "} 2\n" },
	{ "service_maglev_slots", "lbctl_service_maglev_slots" ODD "} 0\n"
				  "lbctl_service_maglev_slots" KUBIA "} 51\n" },
	{ "flow_evictions_total", "lbctl_flow_evictions_total{class=\"unconfirmed\"} 0\n"
				  "lbctl_flow_evictions_total{class=\"closed\"} 9\n"
				  "lbctl_flow_evictions_total{class=\"expired\"} 0\n" },
	{ "dns_answers_total", "lbctl_dns_answers_total{rcode=\"noerror\"} 6\n"
			       "lbctl_dns_answers_total{rcode=\"formerr\"} 0\n"
			       "lbctl_dns_answers_total{rcode=\"servfail\"} 0\n"
			       "lbctl_dns_answers_total{rcode=\"nxdomain\"} 3\n"
			       "lbctl_dns_answers_total{rcode=\"notimp\"} 0\n"
			       "lbctl_dns_answers_total{rcode=\"refused\"} 0\n"
			       "lbctl_dns_answers_total{rcode=\"11\"} 1\n" },
	{ "dns_kernel_answers_total", "lbctl_dns_kernel_answers_total 8\n" },
	{ "dns_cache_hits_total", "lbctl_dns_cache_hits_total 4\n" },
	{ "dns_upstream_errors_total", "lbctl_dns_upstream_errors_total 2\n" },
	{ "dns_upstream_duration_seconds",
	  HISTOGRAM("dns_upstream_duration_seconds", "0",
		    "1") "lbctl_dns_upstream_duration_seconds_bucket{le=\"+Inf\"} 1\n"
			 "lbctl_dns_upstream_duration_seconds_sum 0.000250\n"
			 "lbctl_dns_upstream_duration_seconds_count 1\n" },
	{ "ingress_up", "lbctl_ingress_up 1\n" },
	{ "ingress_reloads_total", "lbctl_ingress_reloads_total 5\n" },
	{ "ingress_errors_total", "lbctl_ingress_errors_total 1\n" },
	{ "ingress_requests_total", "lbctl_ingress_requests_total" NO_RULE ",code=\"1xx\"} 0\n"
				    "lbctl_ingress_requests_total" NO_RULE ",code=\"2xx\"} 0\n"
				    "lbctl_ingress_requests_total" NO_RULE ",code=\"3xx\"} 0\n"
				    "lbctl_ingress_requests_total" NO_RULE ",code=\"4xx\"} 4\n"
				    "lbctl_ingress_requests_total" NO_RULE ",code=\"5xx\"} 0\n"
				    "lbctl_ingress_requests_total" NO_RULE ",code=\"other\"} 0\n"
				    "lbctl_ingress_requests_total" RULE ",code=\"1xx\"} 0\n"
				    "lbctl_ingress_requests_total" RULE ",code=\"2xx\"} 8\n"
				    "lbctl_ingress_requests_total" RULE ",code=\"3xx\"} 1\n"
				    "lbctl_ingress_requests_total" RULE ",code=\"4xx\"} 0\n"
				    "lbctl_ingress_requests_total" RULE ",code=\"5xx\"} 2\n"
				    "lbctl_ingress_requests_total" RULE ",code=\"other\"} 0\n" },
	{ "ingress_sessions", "lbctl_ingress_sessions" NO_RULE "} 0\n"
			      "lbctl_ingress_sessions" RULE "} 3\n" },
	{ "ingress_endpoints", "lbctl_ingress_endpoints" NO_RULE "} 0\n"
			       "lbctl_ingress_endpoints" RULE "} 2\n" },
	{ "ingress_problems",
	  "lbctl_ingress_problems{namespace=\"default\",ingress=\"bad\",reason=\"secret\"} 2\n" },
	{ "ingress_certificate_end_timestamp_seconds",
	  "lbctl_ingress_certificate_end_timestamp_seconds{namespace=\"default\",secret="
	  "\"tls-secret\"} 1764400002\n" },
	{ "series_left_out", "lbctl_series_left_out{of=\"services\"} 0\n"
			     "lbctl_series_left_out{of=\"backends\"} 0\n"
			     "lbctl_series_left_out{of=\"probes\"} 0\n"
			     "lbctl_series_left_out{of=\"ingresses\"} 0\n"
			     "lbctl_series_left_out{of=\"ingress_problems\"} 0\n"
			     "lbctl_series_left_out{of=\"certificates\"} 0\n" },
	{ "service_packets_total", "lbctl_service_packets_total" ODD "} 0\n"
				   "lbctl_service_packets_total" KUBIA "} 30\n" },
	{ "service_bytes_total", "lbctl_service_bytes_total" ODD "} 0\n"
				 "lbctl_service_bytes_total" KUBIA "} 3000\n" },
	{ "service_connections_total", "lbctl_service_connections_total" ODD "} 0\n"
				       "lbctl_service_connections_total" KUBIA "} 3\n" },
	{ "backend_packets_total",
	  "lbctl_backend_packets_total" KUBIA ",backend=\"172.17.0.7:8080\"} 7\n"
	  "lbctl_backend_packets_total" KUBIA ",backend=\"[fd00::7]:8080\"} 8\n" },
	{ "backend_bytes_total",
	  "lbctl_backend_bytes_total" KUBIA ",backend=\"172.17.0.7:8080\"} 700\n"
	  "lbctl_backend_bytes_total" KUBIA ",backend=\"[fd00::7]:8080\"} 18446744073709551615\n" },
	{ "backend_connections_total",
	  "lbctl_backend_connections_total" KUBIA ",backend=\"172.17.0.7:8080\"} 1\n"
	  "lbctl_backend_connections_total" KUBIA ",backend=\"[fd00::7]:8080\"} 2\n" },
	{ "service_drops_total", "lbctl_service_drops_total" ODD "} 0\n"
				 "lbctl_service_drops_total" KUBIA "} 9\n" },
	{ "drops_total", "lbctl_drops_total{reason=\"malformed\"} 0\n"
			 "lbctl_drops_total{reason=\"no_backend\"} 5\n"
			 "lbctl_drops_total{reason=\"no_local_backend\"} 0\n"
			 "lbctl_drops_total{reason=\"source_range\"} 0\n"
			 "lbctl_drops_total{reason=\"no_port\"} 0\n"
			 "lbctl_drops_total{reason=\"no_room\"} 0\n"
			 "lbctl_drops_total{reason=\"busy\"} 0\n"
			 "lbctl_drops_total{reason=\"ttl\"} 0\n"
			 "lbctl_drops_total{reason=\"neighbour\"} 0\n"
			 "lbctl_drops_total{reason=\"no_address\"} 0\n"
			 "lbctl_drops_total{reason=\"backend_gone\"} 0\n"
			 "lbctl_drops_total{reason=\"internal\"} 0\n"
			 "lbctl_drops_total{reason=\"fragment\"} 0\n" },
	{ "map_entries", "lbctl_map_entries{map=\"services\"} 3\n"
			 "lbctl_map_entries{map=\"frontends\"} 4\n"
			 "lbctl_map_entries{map=\"backends\"} 3\n"
			 "lbctl_map_entries{map=\"source_ranges\"} 0\n"
			 "lbctl_map_entries{map=\"maglev\"} 51\n"
			 "lbctl_map_entries{map=\"flow4\"} 5\n"
			 "lbctl_map_entries{map=\"flow6\"} 0\n" },
	{ "map_max_entries", "lbctl_map_max_entries{map=\"services\"} 10\n"
			     "lbctl_map_max_entries{map=\"frontends\"} 20\n"
			     "lbctl_map_max_entries{map=\"backends\"} 30\n"
			     "lbctl_map_max_entries{map=\"source_ranges\"} 40\n"
			     "lbctl_map_max_entries{map=\"maglev\"} 50\n"
			     "lbctl_map_max_entries{map=\"flow4\"} 64\n"
			     "lbctl_map_max_entries{map=\"flow6\"} 32\n" },
	{ "probe_result", "lbctl_probe_result" POD "} 1\n"
			  "lbctl_probe_result" BY_HAND "} 0\n" },
	{ "probe_duration_seconds", "lbctl_probe_duration_seconds" POD "} 0.001500\n"
				    "lbctl_probe_duration_seconds" BY_HAND "} 1.000000\n" },
	{ "probe_runs_total", "lbctl_probe_runs_total" POD ",result=\"success\"} 3\n"
			      "lbctl_probe_runs_total" POD ",result=\"warning\"} 1\n"
			      "lbctl_probe_runs_total" POD ",result=\"failure\"} 2\n"
			      "lbctl_probe_runs_total" BY_HAND ",result=\"success\"} 0\n"
			      "lbctl_probe_runs_total" BY_HAND ",result=\"warning\"} 0\n"
			      "lbctl_probe_runs_total" BY_HAND ",result=\"failure\"} 9\n" },
};

#endif

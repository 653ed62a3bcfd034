/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests of a Service kubia and of pods that it selects. */
#ifndef TESTS_UNIT_MODEL_KUBIA_H
#define TESTS_UNIT_MODEL_KUBIA_H

#define SVC(spec)                                                                                  \
	"{apiVersion: v1, kind: Service, metadata: {name: kubia, labels: {team: a}}, spec: {" spec \
	"}}\n"
#define KUBIA(more)                                                                         \
	SVC("clusterIP: 10.96.0.5, selector: {app: kubia}, ports: [{name: http, port: 80, " \
	    "targetPort: 8080}]" more)
#define FULL_POD(name, metadata, spec, container, status)                          \
	"---\n{apiVersion: v1, kind: Pod, metadata: {name: " name ", uid: u-" name \
	", labels: {app: kubia}" metadata "}, spec: {" spec                        \
	"containers: [{name: c, image: i" container "}]}, status: {" status "}}\n"
#define POD(name, ip) FULL_POD(name, "", "nodeName: here, ", "", "phase: Running, podIP: " ip)
#define NAMED_POD(name, port, ip) \
	FULL_POD(name, "", "", ", ports: [{name: web, containerPort: " port "}]", "podIP: " ip)
#define NODE                                                                \
	"---\n{apiVersion: v1, kind: Node, metadata: {name: here, labels: " \
	"{topology.kubernetes.io/zone: eu-1}}}\n"

#endif

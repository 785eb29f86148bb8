// Made by `make types` from openapi.json, which the service writes. Do not edit.

export interface paths {
    "/api/findings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Findings
         * @description Every finding in its last revision, in the order in which they were raised.
         */
        get: operations["get_findings_api_findings_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/findings/{name}/{kind}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Post Action
         * @description Keeps what a person says about a finding; the twin takes it with its next cycle, as it takes readings.
         */
        post: operations["post_action_api_findings__name___kind__post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/network": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Network
         * @description Nodes as points and links as lines between them, in the coordinates of the network's file.
         */
        get: operations["get_network_api_network_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/readings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Post Readings
         * @description Takes readings: a JSON list, an Arrow stream or a Parquet file with the columns `sensor,time,value[,unit][,quality]`.
         *
         *     The answer comes after the commit: what it calls stored is on disk. The same (sensor, time, value) again is a duplicate,
         *     acknowledged and not kept twice, so a sender that got no answer sends again. All that is not good about a reading is a
         *     verdict in the answer; a body that cannot be made out is refused whole.
         */
        post: operations["post_readings_api_readings_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/scorecard": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Scorecard
         * @description The scores as they stand after the last cycle; empty as long as there are none.
         */
        get: operations["get_scorecard_api_scorecard_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/sensors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Sensors
         * @description All sensors, and when each was last heard.
         */
        get: operations["get_sensors_api_sensors_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/series": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Series
         * @description What a sensor measured beside what the twin held to be likely there; or the same for a quantity of an element.
         *
         *     Of a sensor the bands are of its reading, its own offset included; of an element, of the quantity itself. Readings with time
         *     in (from, to]; by default the last day.
         */
        get: operations["get_series_api_series_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/state": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get State
         * @description The estimate of a quantity at all elements, at the end of the last cycle that ended at or before `at`.
         */
        get: operations["get_state_api_state_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Stream
         * @description Events `state`, `finding` and `health`. A browser that comes back sends `Last-Event-ID` and gets what it missed.
         */
        get: operations["get_stream_api_stream_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Health
         * @description Whether all is well, and if not why.
         */
        get: operations["get_health_health_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Metrics
         * @description The same as numbers, in the text format of Prometheus.
         */
        get: operations["get_metrics_metrics_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * Acknowledgement
         * @description The readings are on disk: a power cut does not undo it.
         */
        Acknowledgement: {
            /**
             * Stored
             * @description How many were kept. Flagged ones are; duplicates were kept before.
             */
            stored: number;
            /**
             * Verdicts
             * @description Only of readings that are not good.
             */
            verdicts: components["schemas"]["Verdict"][];
        };
        /**
         * Band
         * @description An estimate at a time.
         */
        Band: {
            estimate: components["schemas"]["Estimate"];
            /** Time */
            time: string;
        };
        /**
         * CandidateAnswer
         * @description An element where the cause may lie.
         */
        CandidateAnswer: {
            /** Element */
            element: string;
            /** Probability */
            probability: number;
        };
        /**
         * Deed
         * @description What a person says about a finding.
         */
        Deed: {
            /**
             * Text
             * @default
             */
            text: string;
            /**
             * Who
             * @default
             */
            who: string;
        };
        /**
         * DeedAnswer
         * @description The action is on disk; the twin takes it with its next cycle.
         */
        DeedAnswer: {
            /** Finding */
            finding: string;
            /** Kind */
            kind: string;
            /** Sequence */
            sequence: number;
        };
        /**
         * DoorsHealth
         * @description Of the process that takes readings.
         */
        DoorsHealth: {
            /**
             * By Flag
             * @description Readings since the start, by flag.
             */
            by_flag: {
                [key: string]: number;
            };
            /** Last Sequence */
            last_sequence: number;
            /** Started */
            started: string;
        };
        /**
         * Estimate
         * @description An estimate of one number: median and central interval. All three are null where there is no number (no supply).
         */
        Estimate: {
            /** High */
            high: number | null;
            /**
             * Level
             * @description Probability inside the interval.
             */
            level: number;
            /** Low */
            low: number | null;
            /** Median */
            median: number | null;
            /** Unit */
            unit: string;
        };
        /**
         * EvidenceAnswer
         * @description One thing that speaks for a finding.
         */
        EvidenceAnswer: {
            /** Code */
            code: string;
            /** Sensor */
            sensor: string;
            /** Text */
            text: {
                [key: string]: string;
            };
            /**
             * Value
             * @description Measured numbers, probabilities and counts; or estimates.
             */
            value: {
                [key: string]: unknown;
            };
        };
        /**
         * Feature
         * @description A node or a link; its geometry is null where the file has no coordinates.
         */
        Feature: {
            geometry: components["schemas"]["Geometry"] | null;
            /** Id */
            id: string;
            properties: components["schemas"]["Properties"];
            /**
             * Type
             * @constant
             */
            type: "Feature";
        };
        /**
         * FindingAnswer
         * @description Something that the twin holds to be wrong.
         */
        FindingAnswer: {
            /** Action */
            action: string;
            /** Candidates */
            candidates: components["schemas"]["CandidateAnswer"][];
            /** Causes */
            causes: {
                [key: string]: number;
            };
            /** Closed */
            closed: string | null;
            /** Evidence */
            evidence: components["schemas"]["EvidenceAnswer"][];
            /** Id */
            id: string;
            /** Kind */
            kind: string;
            /** Notes */
            notes: string[];
            /** Probability */
            probability: number;
            /** Raised */
            raised: string;
            /** Revision */
            revision: number;
            /** Since */
            since: string;
            size: components["schemas"]["Estimate"] | null;
            /** Subject */
            subject: string;
            /** Verdict */
            verdict: string;
        };
        /**
         * FindingsAnswer
         * @description Findings in their last revision, in the order in which they were raised.
         */
        FindingsAnswer: {
            /** Findings */
            findings: components["schemas"]["FindingAnswer"][];
        };
        /**
         * Geometry
         * @description GeoJSON, in the coordinates of the network's file.
         */
        Geometry: {
            /** Coordinates */
            coordinates: unknown[];
            /**
             * Type
             * @enum {string}
             */
            type: "Point" | "LineString";
        };
        /**
         * HealthAnswer
         * @description Whether all is well, and if not why.
         */
        HealthAnswer: {
            doors: components["schemas"]["DoorsHealth"];
            /** Name */
            name: string;
            sensors: components["schemas"]["SensorHealth"];
            /**
             * Status
             * @enum {string}
             */
            status: "ok" | "degraded";
            twin: components["schemas"]["TwinHealth"];
            /** Why */
            why: string[];
        };
        /**
         * Measured
         * @description A reading, in SI.
         */
        Measured: {
            /** Flag */
            flag: string;
            /** Sensor */
            sensor: string;
            /** Time */
            time: string;
            /** Value */
            value: number | null;
        };
        /**
         * NetworkAnswer
         * @description GeoJSON.
         */
        NetworkAnswer: {
            /** Features */
            features: components["schemas"]["Feature"][];
            /**
             * Type
             * @constant
             */
            type: "FeatureCollection";
        };
        /**
         * Problem
         * @description Why a request was refused, and what to try.
         */
        Problem: {
            /** Error */
            error: string;
        };
        /**
         * Properties
         * @description Of a node or a link.
         */
        Properties: {
            /** End */
            end?: string | null;
            /** Kind */
            kind: string;
            /** Start */
            start?: string | null;
            /** Tag */
            tag?: string | null;
        };
        /**
         * ScorecardAnswer
         * @description How well the twin does, by its own withheld sensors.
         */
        ScorecardAnswer: {
            /** At */
            at: string | null;
            /** Scores */
            scores: {
                [key: string]: unknown;
            };
        };
        /**
         * SensorAnswer
         * @description A sensor, and when it was last heard.
         */
        SensorAnswer: {
            /**
             * Behind S
             * @description How far its latest reading is behind that of half of the sensors.
             */
            behind_s: number | null;
            /** Element */
            element: string;
            /**
             * Last Heard
             * @description When that came, by the wall clock.
             */
            last_heard: string | null;
            /**
             * Last Time
             * @description Time of its latest reading.
             */
            last_time: string | null;
            /** Quantity */
            quantity: string;
            /** Sensor */
            sensor: string;
            /** Stale */
            stale: boolean;
            /**
             * Std
             * @description Of the instrument, in `unit`.
             */
            std: number;
            /** Unit */
            unit: string;
            /** Withheld */
            withheld: boolean;
        };
        /**
         * SensorHealth
         * @description Of all sensors.
         */
        SensorHealth: {
            /** Count */
            count: number;
            /**
             * Last Time
             * @description Where half of the sensors are.
             */
            last_time: string | null;
            /** Stale */
            stale: string[];
        };
        /**
         * SensorsAnswer
         * @description All sensors of the twin.
         */
        SensorsAnswer: {
            /** Sensors */
            sensors: components["schemas"]["SensorAnswer"][];
        };
        /**
         * SeriesAnswer
         * @description Measurements, and the bands of what was to be expected beside them.
         */
        SeriesAnswer: {
            /** Bands */
            bands: components["schemas"]["Band"][];
            /** Element */
            element: string;
            /** Measured */
            measured: components["schemas"]["Measured"][];
            /** Quantity */
            quantity: string;
            /** Sensor */
            sensor: string | null;
            /** Unit */
            unit: string;
        };
        /**
         * StateAnswer
         * @description The twin's estimate of one quantity at one moment.
         */
        StateAnswer: {
            /**
             * At
             * @description The time that was asked for.
             */
            at: string;
            /**
             * Cycle End
             * @description End of the cycle that this is the state after.
             */
            cycle_end: string;
            /** Elements */
            elements: {
                [key: string]: components["schemas"]["Estimate"];
            };
            /** Quantity */
            quantity: string;
        };
        /**
         * TwinHealth
         * @description Of the process that runs the cycles.
         */
        TwinHealth: {
            /** Alive */
            alive: boolean;
            /** Cycles */
            cycles: number;
            /**
             * Figures
             * @description What the last cycle says of itself.
             */
            figures: {
                [key: string]: unknown;
            };
            /**
             * Last End
             * @description End of the last cycle, in the time of the readings.
             */
            last_end: string | null;
            /**
             * Saved
             * @description When it was saved, by the wall clock.
             */
            saved: string | null;
            /** Seconds Per Cycle */
            seconds_per_cycle: number | null;
        };
        /**
         * Verdict
         * @description What is not good about one reading of a request.
         */
        Verdict: {
            /** Flag */
            flag: string;
            /**
             * Index
             * @description Place in the request, from 0.
             */
            index: number;
            /** Why */
            why: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    get_findings_api_findings_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FindingsAnswer"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_action_api_findings__name___kind__post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
                kind: "confirm" | "reject" | "note" | "close";
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Deed"] | null;
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeedAnswer"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_network_api_network_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NetworkAnswer"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_readings_api_readings_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    quality?: string;
                    sensor: string;
                    /** Format: date-time */
                    time: string;
                    unit?: string;
                    value?: number | null;
                }[];
                "application/vnd.apache.arrow.stream": string;
                "application/vnd.apache.parquet": string;
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Acknowledgement"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_scorecard_api_scorecard_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ScorecardAnswer"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_sensors_api_sensors_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SensorsAnswer"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_series_api_series_get: {
        parameters: {
            query?: {
                quantity?: string | null;
                sensor?: string | null;
                element?: string | null;
                from?: string | null;
                to?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SeriesAnswer"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_state_api_state_get: {
        parameters: {
            query?: {
                quantity?: string;
                /** @description The state at this time; by default the last one. */
                at?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StateAnswer"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_stream_api_stream_get: {
        parameters: {
            query?: never;
            header?: {
                "last-event-id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_health_health_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthAnswer"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_metrics_metrics_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
        };
    };
}

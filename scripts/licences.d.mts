export declare function licences(): Record<string, string[]>;
export declare function licencesPage(byLicence: Record<string, string[]>): string;
